"""What nobody says any more, and nobody listens to: bytes of it lie in topics and archives and decode for ever."""

from typing import ClassVar
from uuid import UUID

from shared_models.events.billing import Part
from shared_models.events.contract import Amount, Event, Moment


class OperationPosted(Event):
    """A usage or a purchase reached the ledger: one journal, caused by exactly one event or request."""

    TYPE: ClassVar = "titan.billing.operation.posted.v1"
    KEY: ClassVar = "operation_id"

    operation_id: UUID
    journal_id: UUID
    kind: str
    cause: str
    payer_id: UUID
    payee_id: UUID | None
    machine_id: UUID | None
    work_id: UUID | None
    count_of_lines: int
    parts: list[Part]
    posted_at: Moment


class BalanceChanged(Event):
    """A person's balances after a movement; `version` grows with each, so an old one never overwrites a new one."""

    TYPE: ClassVar = "titan.billing.balance.changed.v1"
    KEY: ClassVar = "owner_id"

    owner_id: UUID
    version: int
    user_balance: Amount
    user_ixioo_balance: Amount
    coupon_balance: Amount
    usd_available: Amount
    eaml_available: Amount
    coupon_available: Amount
    credit_available: Amount
    last_billing_time: Moment | None = None
