"""What machines cost by day: drawn, and as a table whose figures lead to their entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse

from billing import queries
from billing.pages.statement import places
from service_base.errors import BadInput, Refusal
from service_base.moments import day_in
from service_base.pages import PageRequest, show, signed_in
from shared_models.clock import utc_now
from shared_models.money import Currency

USUAL_DAYS = 30
# More than this is no plot any more.
MOST_DAYS = 366
# What has a colour of its own; the rest is drawn as one.
DRAWN = 4
ACCOUNT = {Currency.USD: "usd", Currency.EAML: "eaml", Currency.COUPON: "coupon"}


class Share(NamedTuple):
    """What one thing, such as a machine, came to on a day."""

    day: date
    key: UUID | str | None
    name: str
    amount: Decimal


@signed_in
async def costs(request: PageRequest) -> HttpResponse:
    """What the person's machines cost by day, in one currency."""
    asked = {name: request.GET[name] for name in ("currency", "since", "until") if request.GET.get(name)}
    context: dict[str, Any] = {"asked": asked, "currencies": [currency.value for currency in Currency]}
    try:
        since, until = period(asked)
        chosen = _currency(asked.get("currency"))
    except Refusal as refusal:
        return await show(request, "billing/costs.html", context | {"refusal": refusal}, status=refusal.status)

    def read() -> dict[str, Any]:
        owner = request.caller.id
        used = queries.spent_currencies(owner, since=since, until=until)
        currency = chosen or used[0][0]
        found = queries.costs_of(owner, currency, since=since, until=until)
        shares = [Share(cost.day, cost.machine_id, cost.machine_name, cost.amount) for cost in found]
        return {
            "currency": currency.value,
            "account": ACCOUNT[currency],
            "others": [(other.value, count) for other, count in used if other != currency and count],
            "since": since,
            "until": until,
            "costs": found[::-1],
            "places": places(*(cost.amount for cost in found)),
            "total": sum((cost.amount for cost in found), Decimal(0)),
            "by_machine": totals(shares),
            "chart": drawn(shares, since, until),
        }

    return await show(request, "billing/costs.html", context | await sync_to_async(read)())


def period(asked: dict[str, str]) -> tuple[date, date]:
    """The first and the last day that are asked for; the last thirty where none are. Raises BadInput."""
    until = day_in(asked, "until") or utc_now().date()
    since = day_in(asked, "since") or until - timedelta(days=USUAL_DAYS - 1)
    if since > until:
        raise BadInput("The end of the period lies before its beginning.", field="until")
    if (until - since).days >= MOST_DAYS:
        raise BadInput(f"Choose at most {MOST_DAYS} days.", field="since")
    return since, until


def totals(shares: Iterable[Share]) -> list[tuple[UUID | str | None, str, Decimal]]:
    """What each thing came to over all days, the most first."""
    sums: dict[UUID | str | None, Decimal] = defaultdict(Decimal)
    names = {share.key: share.name for share in shares}
    for share in shares:
        sums[share.key] += share.amount
    return sorted(((key, names[key], amount) for key, amount in sums.items()), key=lambda row: -row[2])


def drawn(shares: Iterable[Share], since: date, until: date) -> dict[str, Any]:
    """The shares as a chart has them: a stack for each day, of the largest things and of all others as one."""
    known = list(shares)
    largest = totals(known)
    own = [key for key, _, _ in largest[:DRAWN]]
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    stacks = {day: [Decimal(0)] * (len(own) + 1) for day in days}
    for share in known:
        stacks[share.day][own.index(share.key) if share.key in own else len(own)] += share.amount
    rest = [f"{len(largest) - DRAWN} others"] if len(largest) > DRAWN else []
    return {"labels": days, "names": [name for _, name, _ in largest[:DRAWN]] + rest, "stacks": list(stacks.values())}


def _currency(text: str | None) -> Currency | None:
    if text is not None and text not in list(Currency):
        raise BadInput(f"Choose one of {', '.join(Currency)}.", field="currency")
    return Currency(text) if text else None
