"""The statement with its running balance, a part at a time, and its sums by day, machine or kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from billing import queries
from billing.downloads import csv_download
from billing.models import Entry
from billing.queries import Moved, StatementFilter
from billing.rules.kinds import JOURNAL_KINDS, label_of
from service_base.errors import BadInput, Refusal
from service_base.moments import midnight_in
from service_base.pages import PageRequest, show, signed_in

ACCOUNTS = [
    ("usd", "US dollars"),
    ("eaml", "Tokens"),
    ("coupon", "Coupons"),
    ("owed", "Owed"),
    ("earned", "Market income"),
    ("in-transit", "Payouts in transit"),
    ("escrow", "Escrow"),
]
GROUPS = [("day", "by day"), ("machine", "by machine"), ("kind", "by what it was")]
_FILTERS = ("account", "kind", "since", "until", "machine", "group")


@signed_in
async def statement(request: PageRequest) -> HttpResponse:
    """A part of one account's entries, oldest first, between the balances before and after it; or their sums."""
    asked = {name: request.GET[name] for name in _FILTERS if request.GET.get(name)}
    context: dict[str, Any] = {
        "asked": {"account": "usd"} | asked,
        "accounts": ACCOUNTS,
        "kinds": [(kind, label_of(kind)) for kind in JOURNAL_KINDS],
        "groups": GROUPS,
        "query": urlencode(asked),
    }
    try:
        wanted, by = _wanted(asked), _group(asked.get("group"))
        before, after = (_entry(request.GET.get(name), name) for name in ("before", "after"))
    except Refusal as refusal:
        return await show(request, "billing/statement.html", context | {"refusal": refusal}, status=refusal.status)

    def read() -> dict[str, Any]:
        owner = request.caller.id
        machines = {"machines": queries.machines_of(owner)}
        if by is not None:
            return machines | _sums(owner, wanted, by, asked)
        found = queries.statement_of(owner, wanted, before=before, after=after)
        return machines | {
            "statement": found,
            "rows": [_row(entry) for entry in found.entries],
            "places": places_of(found.entries, found.opening),
        }

    return await show(request, "billing/statement.html", context | await sync_to_async(read)())


@signed_in
async def statement_csv(request: PageRequest) -> HttpResponseBase:
    """The statement's entries as CSV, under the same filters, sent as they are read."""
    asked = {name: request.GET[name] for name in _FILTERS if request.GET.get(name)}
    return csv_download(queries.csv_of(request.caller.id, _wanted(asked)), name="titan-statement.csv")


def _sums(owner: UUID, wanted: StatementFilter, by: str, asked: dict[str, str]) -> dict[str, Any]:
    """The entries summed up, each sum with the address of the entries in it."""
    found = queries.turnover_of(
        wanted.accounts(owner),
        since=wanted.since.date() if wanted.since else None,
        until=wanted.until.date() - timedelta(days=1) if wanted.until else None,
        kind=wanted.kind,
        machine_id=wanted.machine_id,
    )
    sums = queries.grouped(found, by)
    rest = {name: value for name, value in asked.items() if name != "group"}
    return {
        "by": by,
        "sums": [{"moved": moved, "name": _named(moved, by), "query": _to_entries(moved, by, rest)} for moved in sums],
        "places": max((2, *(places(one.came_in, one.went_out) for one in sums))),
        "currency": wanted.accounts(owner)[0].currency.value,
        "came_in": sum((one.came_in for one in sums), Decimal(0)),
        "went_out": sum((one.went_out for one in sums), Decimal(0)),
        "entries": sum(one.count for one in sums),
    }


def _named(moved: Moved, by: str) -> str:
    if by == "kind":
        return label_of(moved.key)
    return moved.name or "no machine" if by == "machine" else ""


def _to_entries(moved: Moved, by: str, asked: dict[str, str]) -> str | None:
    """The filter that leaves what was summed up; nothing where none says it, as for entries of no machine."""
    if moved.key is None:
        return None
    chosen = {"since": moved.key, "until": moved.key} if by == "day" else {by: moved.key}
    return urlencode(asked | chosen)


def _group(text: str | None) -> str | None:
    if text is not None and text not in queries.GROUPS:
        raise BadInput(f"Choose one of {', '.join(queries.GROUPS)}.", field="group")
    return text


def _entry(text: str | None, field: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise BadInput("This is no entry of a statement.", field=field)
    return int(text)


def _wanted(asked: dict[str, str]) -> StatementFilter:
    until = midnight_in(asked, "until")
    found = StatementFilter(
        account=asked.get("account", "usd"),
        kind=asked.get("kind"),
        since=midnight_in(asked, "since"),
        # The last day is part of the period.
        until=until + timedelta(days=1) if until else None,
        machine_id=_machine(asked.get("machine")),
    )
    return found.checked()


def _machine(text: str | None) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise BadInput("This is no machine's id.", field="machine") from None


def places_of(entries: Iterable[Entry], *others: Decimal) -> int:
    """The decimals that a column of amounts needs so that its balances can be added up by eye: two at least."""
    return places(*(figure for entry in entries for figure in (entry.amount, entry.balance)), *others)


def places(*amounts: Decimal | None) -> int:
    """The decimals that all of these amounts need, two at least."""
    return max((2, *(-int(amount.normalize().as_tuple().exponent) for amount in amounts if amount is not None)))


def _row(entry: Entry) -> dict[str, Any]:
    came_in = entry.amount > 0
    return {
        "entry": entry,
        "into": entry.amount if came_in else None,
        "out": None if came_in else -entry.amount,
    }
