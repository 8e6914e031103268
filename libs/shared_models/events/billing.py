"""What billing says: funds reserved or refused, money that moved, what things cost."""

from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared_models.events.contract import Amount, AmountText, Event, Moment, UtcMoment


class Part(BaseModel):
    """An amount in one currency."""

    model_config = ConfigDict(frozen=True)

    currency: str
    amount: Amount


class HoldAuthorized(Event):
    """Funds for a piece of work are reserved until `expires_at`; the work may start."""

    TYPE: ClassVar = "titan.billing.hold.authorized.v1"
    KEY: ClassVar = "work_id"

    hold_id: UUID
    work_id: UUID
    payer_id: UUID
    quote_id: UUID
    price_version: int
    parts: list[Part]
    expires_at: Moment


class HoldDeclined(Event):
    """Funds for a piece of work are short; the work must not start."""

    TYPE: ClassVar = "titan.billing.hold.declined.v1"
    KEY: ClassVar = "work_id"

    work_id: UUID
    payer_id: UUID
    reason: str
    missing: Amount
    currency: str


class HoldExpired(Event):
    """A reservation ran out before its work ended; the funds are free again and the work must stop."""

    TYPE: ClassVar = "titan.billing.hold.expired.v1"
    KEY: ClassVar = "work_id"

    hold_id: UUID
    work_id: UUID
    payer_id: UUID


class Paid(BaseModel):
    """What of a charge was paid, or is owed, in one currency."""

    model_config = ConfigDict(frozen=True)

    currency: str
    amount: AmountText


class PostedOperation(BaseModel):
    """A usage or a purchase that reached the ledger: one journal, caused by exactly one event or request."""

    model_config = ConfigDict(frozen=True)

    operation_id: UUID
    journal_id: UUID
    kind: str
    cause: str
    payer_id: UUID
    payee_id: UUID | None
    machine_id: UUID | None
    work_id: UUID | None
    count_of_lines: int
    parts: list[Paid]
    posted_at: UtcMoment


class OperationsPosted(Event):
    """Usages and purchases that reached the ledger on one page; each is said once, in whatever order pages come.

    A long page is said in several such events, a single operation in one of its own.
    """

    TYPE: ClassVar = "titan.billing.operations.posted.v1"
    KEY: ClassVar = "page_id"

    page_id: UUID
    operations: list[PostedOperation]


class Balance(BaseModel):
    """A person's balances after a page; `version` grows with each, so an old one never overwrites a new one."""

    model_config = ConfigDict(frozen=True)

    owner_id: UUID
    version: int
    user_balance: AmountText
    user_ixioo_balance: AmountText
    coupon_balance: AmountText
    usd_available: AmountText
    eaml_available: AmountText
    coupon_available: AmountText
    credit_available: AmountText
    last_billing_time: UtcMoment | None = None


class BalancesChanged(Event):
    """People's balances after a page of the ledger, one entry a person; pages come in any order, versions tell.

    A page that changed many is said in several such events, one that changed a single person in one of its own.
    """

    TYPE: ClassVar = "titan.billing.balances.changed.v1"
    KEY: ClassVar = "page_id"

    page_id: UUID
    balances: list[Balance]


class CouponActivated(Event):
    """A person activated a coupon."""

    TYPE: ClassVar = "titan.billing.coupon.activated.v1"
    KEY: ClassVar = "owner_id"

    owner_id: UUID
    code: str
    amount: Amount
    activated_at: Moment
    expires_at: Moment | None = None


class PricesPublished(Event):
    """The price list that new quotes use from now on, in EAML; an EAML costs `usd_per_eaml` when paid in USD."""

    TYPE: ClassVar = "titan.billing.prices.published.v1"
    KEY: ClassVar = "list_name"

    list_name: str = "platform"
    version: int
    training_cell_eaml: Amount
    solving_line_eaml: Amount
    level_factors: dict[str, Amount]
    usd_per_eaml: Amount
    marketplace_fee_basis_points: int
    effective_at: Moment


class ContractSigned(Event):
    """A consulting contract began: its amount left the client's wallet and stays in escrow until the contract ends."""

    TYPE: ClassVar = "titan.billing.contract.signed.v1"
    KEY: ClassVar = "contract_id"

    contract_id: UUID
    journal_id: UUID
    client_id: UUID
    consultant_id: UUID
    machine_id: UUID | None
    category: str
    amount_usd: Amount
    fee_basis_points: int
    delay_days: int
    due_at: Moment
    signed_at: Moment


class ContractDisputed(Event):
    """Client and consultant disagree: the amount stays in escrow until an operator decides."""

    TYPE: ClassVar = "titan.billing.contract.disputed.v1"
    KEY: ClassVar = "contract_id"

    contract_id: UUID
    client_id: UUID
    consultant_id: UUID
    disputed_by: UUID
    disputed_at: Moment


class ContractEnded(Event):
    """A consulting contract is finished, failed or cancelled; its three parts sum to what was in escrow."""

    TYPE: ClassVar = "titan.billing.contract.ended.v1"
    KEY: ClassVar = "contract_id"

    contract_id: UUID
    journal_id: UUID
    client_id: UUID
    consultant_id: UUID
    outcome: str
    paid_usd: Amount
    fee_usd: Amount
    returned_usd: Amount
    settled_by_operator: bool
    ended_at: Moment


class BillLine(BaseModel):
    """What one kind of movement came to in the period of a bill."""

    model_config = ConfigDict(frozen=True)

    kind: str
    count: int
    count_of_lines: int
    coupon: Amount
    eaml: Amount
    usd: Amount
    owed_usd: Amount
    tax_usd: Amount


class BillIssued(Event):
    """A person's bill for a period, under a number without gaps; `due_usd` is what of all she owes is to be paid."""

    TYPE: ClassVar = "titan.billing.bill.issued.v1"
    KEY: ClassVar = "owner_id"

    bill_id: UUID
    number: str
    owner_id: UUID
    period_start: Moment
    period_end: Moment
    lines: list[BillLine]
    brought_forward_usd: Amount
    paid_usd: Amount
    tax_basis_points: int
    tax_usd: Amount
    due_usd: Amount
    pay_by: Moment
    issued_at: Moment


class BillPaid(Event):
    """The last of a bill was paid: `amount_usd` is what was open of it before the journal."""

    TYPE: ClassVar = "titan.billing.bill.paid.v1"
    KEY: ClassVar = "owner_id"

    bill_id: UUID
    number: str
    owner_id: UUID
    journal_id: UUID
    amount_usd: Amount
    paid_at: Moment
