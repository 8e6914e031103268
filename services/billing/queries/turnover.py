"""What accounts moved by day, kind, machine and party, without reading a long account's entries one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet, Sum

from billing.models import Turnover
from billing.rules.accounts import AccountName, coupon_account, receivable, seller_payable, wallet
from billing.rules.kinds import INCOME_KEPT, PAYOUT_FAILED, PAYOUT_PAID, PAYOUT_REQUESTED, REVERSAL
from shared_models.ids import derived_id
from shared_models.money import Currency

NOBODY = UUID(int=0)
GROUPS = {"day": "day", "machine": "machine_id", "kind": "kind"}


@dataclass(frozen=True, slots=True)
class Moved:
    """One row of a grouped statement; `key` is the day, the machine's id (None for none) or the kind."""

    key: Any
    name: str
    count: int
    came_in: Decimal
    went_out: Decimal

    @property
    def net(self) -> Decimal:
        """What it changed the balance by."""
        return self.came_in - self.went_out


@dataclass(frozen=True, slots=True)
class Cost:
    """What a machine cost on a day, in one currency."""

    day: date
    machine_id: UUID
    machine_name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Earned:
    """What was earned on the market: by whom it was paid is a name that only this seller sees."""

    day: date
    machine_id: UUID | None
    machine_name: str
    buyer: str
    kind: str
    count: int
    amount: Decimal


def turnover_of(
    accounts: Iterable[AccountName],
    *,
    since: date | None = None,
    until: date | None = None,
    kind: str | None = None,
    machine_id: UUID | None = None,
) -> QuerySet[Turnover]:
    """The sums of the accounts from the first to the last day, both included."""
    found = Turnover.objects.filter(account_id__in=[account.id for account in accounts])
    wanted = {"day__gte": since, "day__lte": until, "kind": kind, "machine_id": machine_id}
    return found.filter(**{name: value for name, value in wanted.items() if value is not None})


def grouped(found: QuerySet[Turnover], by: str) -> list[Moved]:
    """The sums by `day` (newest first), or by `machine` or `kind` (most entries first)."""
    column = GROUPS[by]
    rows = found.values(column).annotate(
        name=Max("machine_name"), entries=Sum("count"), into=Sum("came_in"), out=Sum("went_out")
    )
    rows = rows.order_by(*(["-day"] if by == "day" else ["-entries", column]))
    return [
        Moved(
            key=None if row[column] == NOBODY else row[column],
            name=row["name"] if by == "machine" else "",
            count=row["entries"],
            came_in=row["into"],
            went_out=row["out"],
        )
        for row in rows
    ]


def machines_of(owner: UUID) -> Sequence[tuple[UUID, str]]:
    """The machines that the person paid for or earned by, by name."""
    found = turnover_of([*paying_accounts(owner), seller_payable(owner)]).exclude(machine_id=NOBODY)
    rows = found.values_list("machine_id").annotate(name=Max("machine_name"))
    return sorted(rows, key=lambda row: (row[1], str(row[0])))


def costs_of(owner: UUID, currency: Currency, *, since: date, until: date) -> list[Cost]:
    """What machines cost the person by day in one currency: owed dollars included, what was taken back subtracted."""
    found = turnover_of(_paying(owner, currency), since=since, until=until).exclude(machine_id=NOBODY)
    rows = found.values("day", "machine_id").annotate(name=Max("machine_name"), amount=Sum("went_out") - Sum("came_in"))
    costs = [Cost(row["day"], row["machine_id"], row["name"], row["amount"]) for row in rows]
    return sorted((cost for cost in costs if cost.amount), key=lambda cost: (cost.day, cost.machine_name))


def spent_currencies(owner: UUID, *, since: date, until: date) -> list[tuple[Currency, int]]:
    """In which currencies the person's machines were paid, the one with the most entries first."""
    counted = []
    for currency in (Currency.USD, Currency.EAML, Currency.COUPON):
        found = turnover_of(_paying(owner, currency), since=since, until=until).exclude(machine_id=NOBODY)
        entries = found.aggregate(n=Sum("count"))["n"]
        counted.append((currency, int(entries or 0)))
    return sorted(counted, key=lambda pair: -pair[1])


def earned_by(owner: UUID, *, since: date, until: date, by: str = "day") -> list[Earned]:
    """The person's market income in a period by `day`, `machine` or `buyer`, the newest or largest first.

    The columns that are not asked for are summed over and empty.
    """
    columns = {"day": ["day"], "machine": ["machine_id"], "buyer": ["other_id"], "all": _EVERYTHING}[by]
    found = turnover_of([seller_payable(owner)], since=since, until=until)
    found = found.exclude(kind__in=_TAKEN).exclude(kind=REVERSAL, machine_id=NOBODY)
    rows = found.values(*columns).annotate(
        name=Max("machine_name"), entries=Sum("count"), amount=Sum("came_in") - Sum("went_out"), last=Max("day")
    )
    earned = [_earned(owner, row) for row in rows]
    return sorted(earned, key=lambda one: (one.day, one.amount) if "day" in columns else (one.amount,), reverse=True)


def buyer_name(seller: UUID, buyer: UUID) -> str:
    """How a seller tells her buyers apart: a name that says nothing about who it is, and is another for each seller."""
    return f"buyer {derived_id('buyer', seller, buyer).hex[:8]}" if buyer != NOBODY else ""


def paying_accounts(owner: UUID) -> list[AccountName]:
    """What a person pays from."""
    return [account for currency in Currency for account in _paying(owner, currency)]


# What leaves a seller's account, or comes back to it, has been earned before. So has what comes back by a reversal of
# income that was kept: a sale's reversal has the machine that was sold.
_TAKEN = (INCOME_KEPT, PAYOUT_REQUESTED, PAYOUT_PAID, PAYOUT_FAILED)
_EVERYTHING = ["day", "machine_id", "other_id", "kind"]


def _earned(owner: UUID, row: dict[str, Any]) -> Earned:
    machine_id = row.get("machine_id", NOBODY)
    return Earned(
        day=row.get("day", row["last"]),
        machine_id=None if machine_id == NOBODY else machine_id,
        machine_name=row["name"] if "machine_id" in row else "",
        buyer=buyer_name(owner, row.get("other_id", NOBODY)),
        kind=row.get("kind", ""),
        count=row["entries"],
        amount=row["amount"],
    )


def _paying(owner: UUID, currency: Currency) -> list[AccountName]:
    if currency == Currency.COUPON:
        return [coupon_account(owner)]
    if currency == Currency.USD:
        return [wallet(owner, currency), receivable(owner)]
    return [wallet(owner, currency)]
