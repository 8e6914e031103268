"""Statements: an account's entries with the balance after each, filtered but never recomputed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from billing.models import Entry
from billing.rules.accounts import (
    AccountName,
    Purpose,
    coupon_account,
    escrow,
    payout_in_transit,
    receivable,
    seller_payable,
    wallet,
)
from billing.rules.kinds import JOURNAL_KINDS
from service_base.errors import BadInput
from shared_models.money import Currency

# A person's accounts by the short names that addresses and the API use.
ACCOUNTS: dict[str, Callable[[UUID], AccountName]] = {
    "usd": lambda owner: wallet(owner, Currency.USD),
    "eaml": lambda owner: wallet(owner, Currency.EAML),
    "coupon": coupon_account,
    "owed": receivable,
    "earned": seller_payable,
    "in-transit": payout_in_transit,
    "escrow": escrow,
}

# What a purpose alone names; wallets and coupons go by their currency.
_CALLED: dict[str, str] = {
    Purpose.RECEIVABLE: "owed",
    Purpose.SELLER_PAYABLE: "earned",
    Purpose.PAYOUT_IN_TRANSIT: "in-transit",
    Purpose.ESCROW: "escrow",
}


@dataclass(frozen=True, slots=True)
class StatementFilter:
    """Which entries are wanted. Times are those of booking, since the balance follows that order."""

    account: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    machine_id: UUID | None = None

    def checked(self) -> StatementFilter:
        """Itself; raises BadInput naming the field that does not fit."""
        if self.account is not None and self.account not in ACCOUNTS:
            raise BadInput(f"Choose one of {', '.join(ACCOUNTS)}.", field="account")
        if self.kind is not None and self.kind not in JOURNAL_KINDS:
            raise BadInput(f"Choose one of {', '.join(JOURNAL_KINDS)}.", field="kind")
        if self.since and self.until and self.since > self.until:
            raise BadInput("The end of the period lies before its beginning.", field="until")
        return self


@dataclass(frozen=True, slots=True)
class Statement:
    """One account over a period: what was there before, the entries that pass the filter, what is there after."""

    account: str
    currency: str
    opening: Decimal
    closing: Decimal
    entries: Sequence[Entry]
    more: bool


def entries_of(owner: UUID, wanted: StatementFilter) -> QuerySet[Entry]:
    """The person's entries that pass the filter, with journal and operation."""
    accounts = [ACCOUNTS[wanted.account]] if wanted.account else list(ACCOUNTS.values())
    found = Entry.objects.filter(account_id__in=[account(owner).id for account in accounts])
    if wanted.kind:
        found = found.filter(journal__kind=wanted.kind)
    if wanted.machine_id:
        found = found.filter(journal__operation__machine_id=wanted.machine_id)
    if wanted.since:
        found = found.filter(journal__recorded_at__gte=wanted.since)
    if wanted.until:
        found = found.filter(journal__recorded_at__lt=wanted.until)
    return found.select_related("account", "counter_account", "journal__operation")


def statement_of(owner: UUID, wanted: StatementFilter, *, most: int = 200) -> Statement:
    """The statement of one account, oldest entry first; at most the last `most` entries that pass the filter."""
    account = wanted.account or "usd"
    name = ACCOUNTS[account](owner)
    newest = list(entries_of(owner, wanted).order_by("-id")[: most + 1])
    return Statement(
        account=account,
        currency=name.currency.value,
        opening=_balance_at(name, wanted.since) if wanted.since else Decimal(0),
        closing=_balance_at(name, wanted.until),
        entries=newest[:most][::-1],
        more=len(newest) > most,
    )


def _balance_at(name: AccountName, moment: datetime | None) -> Decimal:
    found = Entry.objects.filter(account_id=name.id)
    if moment is not None:
        found = found.filter(journal__recorded_at__lt=moment)
    last = found.order_by("-id").values_list("balance", flat=True).first()
    return last if last is not None else Decimal(0)


def account_of(entry: Entry) -> str:
    """The short name of the entry's account."""
    return _CALLED.get(entry.account.purpose, str(entry.currency).lower())
