"""What a person has, what holds it, and what she used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, QuerySet

from billing.models import Balance, CouponLot, Hold, Operation, Party, Quote
from billing.rules.accounts import (
    AccountName,
    coupon_account,
    escrow,
    payout_in_transit,
    receivable,
    seller_payable,
    wallet,
)
from billing.rules.funding import Part
from service_base.reading import rows
from shared_models.money import Currency

ZERO = Decimal(0)
WALLET = """
    SELECT version, credit_limit, last_billing_time, account_id, posted, held
    FROM (SELECT %s::uuid AS owner) AS asked
    LEFT JOIN party ON owner_id = owner LEFT JOIN balance ON account_id IN (%s, %s, %s, %s)
"""

EARNED = "SELECT posted FROM balance WHERE account_id = %s"


@dataclass(frozen=True, slots=True)
class Purse:
    """One currency of a wallet: `available` is what is posted and not held."""

    account: str
    currency: str
    posted: Decimal
    held: Decimal

    @property
    def available(self) -> Decimal:
        """What can be spent."""
        return self.posted - self.held


@dataclass(frozen=True, slots=True)
class Wallet:
    """A person's money at one moment; all zero for somebody who has not moved any yet."""

    owner: UUID
    version: int
    purses: Sequence[Purse]
    owed: Decimal
    credit_limit: Decimal
    last_billing_time: datetime | None

    @property
    def credit_available(self) -> Decimal:
        """How much more she may owe before new work is declined."""
        return self.credit_limit - self.owed

    def of(self, account: str) -> Purse:
        """The purse called `usd`, `eaml` or `coupon`."""
        return next(purse for purse in self.purses if purse.account == account)


class Income(NamedTuple):
    """What a person earned on the market: still here, and on its way to her."""

    earned: Decimal
    in_transit: Decimal


def income_of(owner: UUID) -> Income:
    """The person's market income."""
    names = (seller_payable(owner), payout_in_transit(owner))
    found = Balance.objects.in_bulk([name.id for name in names])
    return Income(*(found[name.id].posted if name.id in found else ZERO for name in names))


async def read_earned(owner: UUID) -> Decimal:
    """What her sales brought and is still here, read without a thread; a sale does not raise her wallet's version."""
    found = await rows(EARNED, [seller_payable(owner).id])
    return found[0].posted if found else ZERO


def elsewhere_of(owner: UUID) -> list[tuple[str, Decimal]]:
    """The person's money that is not in her wallet, by the accounts' short names: earned, in transit, in escrow."""
    names = {"earned": seller_payable(owner), "in-transit": payout_in_transit(owner), "escrow": escrow(owner)}
    found = Balance.objects.in_bulk([name.id for name in names.values()])
    amounts = ((account, found[name.id].posted) for account, name in names.items() if name.id in found)
    return [(account, amount) for account, amount in amounts if amount]


def wallet_of(owner: UUID) -> Wallet:
    """The person's wallet as it is committed now, or as the transaction at hand has made it."""
    party = Party.objects.filter(pk=owner).first() or Party(owner_id=owner)
    balances = Balance.objects.in_bulk([name.id for name in _names(owner).values()])
    return _wallet(owner, party, balances)


async def read_wallet(owner: UUID) -> Wallet:
    """The person's wallet as it is committed now, read without a thread."""
    # Four ids, not a list of them: turning a list into an array costs as much as the rest of asking.
    found = await rows(WALLET, [owner, *(name.id for name in _names(owner).values())])
    party = found[0] if found[0].version is not None else Party(owner_id=owner)
    return _wallet(owner, party, {row.account_id: row for row in found})


def holds_of(owner: UUID, *, open_only: bool = False) -> QuerySet[Hold]:
    """The person's holds with what they are for."""
    found = Hold.objects.filter(payer_id=owner).select_related("quote__price_list", "resolution")
    found = found.prefetch_related("parts")
    return found.filter(resolution=None) if open_only else found


def parts_of(hold: Hold) -> list[Part]:
    """What the hold reserves."""
    return [Part(Currency(part.currency), part.amount, part.lot_id) for part in hold.parts.all()]


def lots_of(owner: UUID, *, spendable_only: bool = False) -> QuerySet[CouponLot]:
    """The person's coupons in the order they are spent."""
    found = CouponLot.objects.filter(owner_id=owner).select_related("coupon")
    found = found.filter(remaining__gt=0) if spendable_only else found
    return found.order_by("priority", F("expires_at").asc(nulls_last=True), "id")


def quotes_of(owner: UUID) -> QuerySet[Quote]:
    """The quotes that the person's work was given."""
    return Quote.objects.filter(payer_id=owner).select_related("price_list", "hold__resolution")


def operations_of(owner: UUID, *, kind: str | None = None, machine_id: UUID | None = None) -> QuerySet[Operation]:
    """What the person used, bought or paid, with its journal."""
    found = Operation.objects.filter(operation_user_id=owner).select_related("journal", "journal__reversed_by")
    found = found.filter(kind=kind) if kind else found
    return found.filter(machine_id=machine_id) if machine_id else found


def _names(owner: UUID) -> dict[str, AccountName]:
    return {
        "usd": wallet(owner, Currency.USD),
        "eaml": wallet(owner, Currency.EAML),
        "coupon": coupon_account(owner),
        "owed": receivable(owner),
    }


def _wallet(owner: UUID, party: Any, balances: Mapping[UUID, Any]) -> Wallet:
    """Of rows that have the columns of Party and Balance, whichever way they were read."""
    names = _names(owner)
    debt = balances.get(names.pop("owed").id)
    return Wallet(
        owner=owner,
        version=party.version,
        purses=[_purse(account, name, balances.get(name.id)) for account, name in names.items()],
        owed=-debt.posted if debt else ZERO,
        credit_limit=party.credit_limit,
        last_billing_time=party.last_billing_time,
    )


def _purse(account: str, name: AccountName, row: Any) -> Purse:
    return Purse(account, name.currency.value, row.posted if row else ZERO, row.held if row else ZERO)
