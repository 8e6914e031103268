"""The statement with its running balance, a movement with its causes, and the operations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse

from billing import queries
from billing.models import Entry
from billing.queries import StatementFilter
from billing.rules.kinds import JOURNAL_KINDS, OPERATION_KINDS, label_of
from service_base.errors import BadInput, NotFound, Refusal
from service_base.formats import Formats
from service_base.pages import PageRequest, show, signed_in
from service_base.pagination import page_of

ACCOUNTS = [
    ("usd", "US dollars"),
    ("eaml", "Tokens"),
    ("coupon", "Coupons"),
    ("owed", "Owed"),
    ("earned", "Market income"),
    ("in-transit", "Payouts in transit"),
    ("escrow", "Escrow"),
]
_FILTERS = ("account", "kind", "since", "until", "machine")


@signed_in
async def statement(request: PageRequest) -> HttpResponse:
    """One account's entries, oldest first, between its opening and its closing balance."""
    asked = {name: request.GET[name] for name in _FILTERS if request.GET.get(name)}
    context: dict[str, Any] = {
        "asked": {"account": "usd"} | asked,
        "accounts": ACCOUNTS,
        "kinds": [(kind, label_of(kind)) for kind in JOURNAL_KINDS],
        "query": request.GET.urlencode(),
    }
    try:
        wanted = _wanted(asked)
    except Refusal as refusal:
        return await show(request, "billing/statement.html", context | {"refusal": refusal}, status=refusal.status)

    def read() -> dict[str, Any]:
        found = queries.statement_of(request.caller.id, wanted)
        return {
            "statement": found,
            "rows": [_row(entry) for entry in found.entries],
            "places": places_of(found.entries, found.opening),
            "machines": queries.machines_of(request.caller.id),
        }

    return await show(request, "billing/statement.html", context | await sync_to_async(read)())


@signed_in
async def statement_csv(request: PageRequest) -> HttpResponse:
    """The statement's entries as CSV, under the same filters."""
    asked = {name: request.GET[name] for name in _FILTERS if request.GET.get(name)}
    found = queries.entries_of(request.caller.id, _wanted(asked))
    answer = HttpResponse(await sync_to_async(queries.csv_of)(found), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="titan-statement.csv"'
    return answer


@signed_in
async def journal(request: PageRequest, journal_id: UUID) -> HttpResponse:
    """A movement: what it was in one sentence, and the chain from the quote to the work behind it."""

    def read() -> dict[str, Any]:
        viewer = request.caller.id
        found = queries.journals_seen_by(viewer).filter(pk=journal_id).select_related("operation").first()
        if found is None:
            raise NotFound("There is no such movement, or none of your accounts is in it.")
        story = queries.story_of(found, viewer, say=Formats.of(request.caller.user).number)
        return {"story": story, "journal": found, "operation": found.operation, "viewer": viewer}

    return await show(request, "billing/journal.html", await sync_to_async(read)())


@signed_in
async def operations(request: PageRequest) -> HttpResponse:
    """What the person used, bought and paid, newest first."""
    kind = request.GET.get("kind") or None
    if kind is not None and kind not in OPERATION_KINDS:
        raise BadInput(f"Choose one of {', '.join(OPERATION_KINDS)}.", field="kind")

    def read() -> dict[str, Any]:
        found, following = page_of(
            queries.operations_of(request.caller.id, kind=kind), cursor=request.GET.get("cursor"), limit=50
        )
        kinds = [(name, label_of(name)) for name in OPERATION_KINDS]
        return {"operations": found, "next_cursor": following, "kind": kind, "kinds": kinds}

    return await show(request, "billing/operations.html", await sync_to_async(read)())


def _wanted(asked: dict[str, str]) -> StatementFilter:
    until = _day(asked, "until")
    found = StatementFilter(
        account=asked.get("account", "usd"),
        kind=asked.get("kind"),
        since=_day(asked, "since"),
        # The last day is part of the period.
        until=until + timedelta(days=1) if until else None,
        machine_id=_machine(asked.get("machine")),
    )
    return found.checked()


def _day(asked: dict[str, str], field: str) -> datetime | None:
    text = asked.get(field)
    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time.min, UTC)
    except ValueError:
        raise BadInput("Give a day as 2026-01-31.", field=field) from None


def _machine(text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise BadInput("This is no machine's id.", field="machine") from None


def places_of(entries: Iterable[Entry], *others: Decimal) -> int:
    """The decimals that a column of amounts needs so that its balances can be added up by eye: two at least."""
    amounts = [figure for entry in entries for figure in (entry.amount, entry.balance)] + list(others)
    return max((2, *(-int(amount.normalize().as_tuple().exponent) for amount in amounts)))


def _row(entry: Entry) -> dict[str, Any]:
    came_in = entry.amount > 0
    return {
        "entry": entry,
        "into": entry.amount if came_in else None,
        "out": None if came_in else -entry.amount,
    }
