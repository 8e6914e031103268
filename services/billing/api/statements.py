"""Sums over the ledger: a statement by day, machine or kind, what machines cost, and what they earned."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from ninja import Query, Router, Schema

from billing import queries
from billing.queries import StatementFilter
from billing.schemas.statements import show_cost, show_earned, show_moved
from service_base.api import Request
from service_base.auth import Bearer
from service_base.errors import BadInput
from service_base.moments import Day
from shared_models.clock import utc_now
from shared_models.money import Currency, plain

router = Router(tags=["ledger"], auth=Bearer("billing:read"))
# What is shown where nobody says from when.
USUAL_DAYS = 30


class DaysIn(Schema):
    """From which day to which, both included, in UTC; the last thirty unless told otherwise."""

    since: Day | None = None
    until: Day | None = None

    def days(self) -> tuple[date, date]:
        """The first and the last day. Raises BadInput."""
        until = self.until or utc_now().date()
        since = self.since or until - timedelta(days=USUAL_DAYS - 1)
        if since > until:
            raise BadInput("The end of the period lies before its beginning.", field="until")
        return since, until


class GroupsIn(Schema):
    """Which entries to sum up, as for `ledger/entries`, and by what; days are those of booking, both included."""

    by: str = "day"
    account: str | None = None
    currency: str | None = None
    kind: str | None = None
    machine_id: UUID | None = None
    since: Day | None = None
    until: Day | None = None


@router.get("/ledger/groups")
async def groups(request: Request, wanted: Query[GroupsIn]) -> dict[str, Any]:
    """The caller's entries summed up `by` day, machine or kind; one currency at a time, since they do not add up."""
    by = _one_of(wanted.by, list(queries.GROUPS), "by")
    asked = StatementFilter(account=wanted.account, currency=wanted.currency, kind=wanted.kind).checked()
    if not (asked.account or asked.currency):
        raise BadInput("Say which: amounts in different currencies are not added up.", field="account")
    days = {"since": wanted.since, "until": wanted.until}

    def read() -> dict[str, Any]:
        accounts = asked.accounts(request.auth.id)
        found = queries.turnover_of(accounts, **days, kind=wanted.kind, machine_id=wanted.machine_id)
        return {"by": by, "items": [show_moved(moved, by) for moved in queries.grouped(found, by)], "next_cursor": None}

    return await sync_to_async(read)()


@router.get("/costs")
async def costs(request: Request, days: Query[DaysIn], currency: str = "USD") -> dict[str, Any]:
    """What the caller's machines cost by day, in one currency; what was taken back is subtracted."""
    asked = Currency(_one_of(currency, queries.CURRENCIES, "currency"))
    since, until = days.days()
    found = await sync_to_async(queries.costs_of)(request.auth.id, asked, since=since, until=until)
    return {
        "currency": asked.value,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "items": [show_cost(cost) for cost in found],
        "next_cursor": None,
    }


@router.get("/income")
async def income(request: Request, days: Query[DaysIn], by: str = "day") -> dict[str, Any]:
    """The caller's market income by day, machine or buyer, or `all` three; what was taken back is subtracted.

    Buyers have names that only this seller sees and that say nothing about who they are.
    """
    asked = _one_of(by, ["day", "machine", "buyer", "all"], "by")
    since, until = days.days()

    def read() -> dict[str, Any]:
        here, on_its_way = queries.income_of(request.auth.id)
        found = queries.earned_by(request.auth.id, since=since, until=until, by=asked)
        return {
            "by": asked,
            "since": since.isoformat(),
            "until": until.isoformat(),
            "payable_usd": plain(here),
            "in_transit_usd": plain(on_its_way),
            "items": [show_earned(earned) for earned in found],
            "next_cursor": None,
        }

    return await sync_to_async(read)()


def _one_of(value: str, fitting: list[str], field: str) -> str:
    if value not in fitting:
        raise BadInput(f"Choose one of {', '.join(fitting)}.", field=field)
    return value
