"""Statements: an account's entries with the balance after each, filtered but never recomputed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.models import Entry
from billing.queries.lines import END, Wanted, balance_at, newest, oldest, spans_of
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
from service_base.pagination import cursor_of, value_in
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
CURRENCIES = [currency.value for currency in Currency]

# What a purpose alone names; wallets and coupons go by their currency.
_CALLED: dict[str, str] = {
    Purpose.RECEIVABLE: "owed",
    Purpose.SELLER_PAYABLE: "earned",
    Purpose.PAYOUT_IN_TRANSIT: "in-transit",
    Purpose.ESCROW: "escrow",
}
_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class StatementFilter:
    """Which entries: of all accounts unless one is named; times are those of booking, `until` is not part of it."""

    account: str | None = None
    currency: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    machine_id: UUID | None = None

    def checked(self) -> StatementFilter:
        """Itself; raises BadInput naming the field that does not fit."""
        if self.account is not None and self.account not in ACCOUNTS:
            raise BadInput(f"Choose one of {', '.join(ACCOUNTS)}.", field="account")
        if self.currency is not None and self.currency not in CURRENCIES:
            raise BadInput(f"Choose one of {', '.join(CURRENCIES)}.", field="currency")
        if self.kind is not None and self.kind not in JOURNAL_KINDS:
            raise BadInput(f"Choose one of {', '.join(JOURNAL_KINDS)}.", field="kind")
        for field in ("since", "until"):
            moment = getattr(self, field)
            if moment is not None and moment.tzinfo is None:
                raise BadInput("Give the time's zone, such as 2026-01-31T00:00:00Z.", field=field)
        if self.since and self.until and self.since > self.until:
            raise BadInput("The end of the period lies before its beginning.", field="until")
        return self

    def accounts(self, owner: UUID) -> list[AccountName]:
        """The person's accounts that it asks for."""
        asked = [self.account] if self.account else list(ACCOUNTS)
        named = [ACCOUNTS[name](owner) for name in asked]
        return [name for name in named if self.currency in (None, name.currency)]


@dataclass(frozen=True, slots=True)
class Statement:
    """A part of one account's entries, oldest first, between the balance before the first and after the last.

    `older` and `newer` are the entries from which the parts before and after it are asked for; None where nothing
    that passes the filter is left, and then the balance there is that of the period's beginning or end.
    """

    account: str
    currency: str
    opening: Decimal
    closing: Decimal
    entries: Sequence[Entry]
    older: int | None
    newer: int | None


def entries_of(owner: UUID, asked: StatementFilter) -> Wanted:
    """The person's entries that pass the filter."""
    spans = spans_of(asked.accounts(owner), since=asked.since, until=asked.until)
    return Wanted(spans, kind=asked.kind, machine_id=asked.machine_id)


def page_of_entries(
    owner: UUID, asked: StatementFilter, *, cursor: str | None, limit: int
) -> tuple[list[Entry], str | None]:
    """One page of the entries, newest first, and the cursor of the next (None on the last). Raises BadInput."""
    wanted, size = entries_of(owner, asked), max(1, min(limit, 500))
    if cursor:
        wanted = wanted.before(_entry_in(cursor))
    found = newest(wanted, size + 1)
    more = len(found) > size
    return found[:size], cursor_of(found[size - 1].pk) if more else None


def last_entries(owner: UUID, most: int) -> list[Entry]:
    """What moved last on any account of the person, newest first."""
    return newest(entries_of(owner, StatementFilter()), most)


def statement_of(
    owner: UUID, asked: StatementFilter, *, before: int | None = None, after: int | None = None, most: int = 50
) -> Statement:
    """A part of the statement of one account: the newest, or the one before or after an entry."""
    account = asked.account or "usd"
    [name] = [ACCOUNTS[account](owner)]
    wanted = Wanted(spans_of([name], since=asked.since, until=asked.until), asked.kind, asked.machine_id)
    [span] = wanted.spans
    entries, has_older, has_newer = _part(wanted, before, after, most)
    first, last = (entries[0], entries[-1]) if entries else (None, None)
    return Statement(
        account=account,
        currency=name.currency.value,
        opening=_before(first) if first and has_older else balance_at(name, span.low),
        closing=last.balance or Decimal(0) if last and has_newer else balance_at(name, span.high),
        entries=entries,
        older=first.pk if first and has_older else None,
        newer=last.pk if last and has_newer else None,
    )


def every_entry(owner: UUID, asked: StatementFilter) -> Iterator[list[Entry]]:
    """All entries that pass the filter, oldest first, a piece at a time; what is booked meanwhile is left out."""
    wanted = entries_of(owner, asked)
    last = newest(wanted, 1)
    wanted = wanted.before(last[0].pk + 1 if last else 1)
    while piece := oldest(wanted, _CHUNK):
        yield piece
        wanted = wanted.after(piece[-1].pk)


def account_of(entry: Entry) -> str:
    """The short name of the entry's account."""
    return _CALLED.get(entry.account.purpose, str(entry.currency).lower())


def _part(wanted: Wanted, before: int | None, after: int | None, most: int) -> tuple[list[Entry], bool, bool]:
    """Entries oldest first, and whether there are older and newer ones."""
    if after is not None:
        found = oldest(wanted.after(after), most + 1)
        return found[:most], bool(newest(wanted.before(after + 1), 1)), len(found) > most
    found = newest(wanted.before(before or END), most + 1)
    has_newer = before is not None and bool(oldest(wanted.after(before - 1), 1))
    return found[:most][::-1], len(found) > most, has_newer


def _before(entry: Entry) -> Decimal:
    before: Decimal = (entry.balance or Decimal(0)) - entry.amount
    return before


def _entry_in(cursor: str) -> int:
    value = value_in(cursor)
    if not (value.isascii() and value.isdecimal() and len(value) < 19):
        raise BadInput("This cursor was not given by this list; leave it out to start anew.", field="cursor")
    return int(value)
