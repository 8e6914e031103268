"""Reading the ledger: balances, entries, journals, operations; and the proof of it for operators."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http.response import HttpResponseBase
from ninja import Query, Router, Schema

from billing import queries, schemas
from billing.downloads import csv_download
from billing.queries import StatementFilter
from service_base.api import Request
from service_base.auth import Bearer
from service_base.errors import NotFound
from service_base.moments import AnyMoment, Moment
from service_base.pagination import as_page

router = Router(tags=["ledger"], auth=Bearer("billing:read"))


class EntriesIn(Schema):
    """Which entries: `account` is usd, eaml, coupon, owed, earned, in-transit or escrow; times are those of booking."""

    account: str | None = None
    currency: str | None = None
    kind: str | None = None
    since: AnyMoment | None = None
    until: AnyMoment | None = None
    machine_id: UUID | None = None

    def wanted(self) -> StatementFilter:
        """The filter, checked."""
        return StatementFilter(**self.dict()).checked()


@router.get("/balances")
async def balances(
    request: Request, effective_at: Moment | None = None, recorded_at: Moment | None = None
) -> dict[str, Any]:
    """The caller's money: per currency what is posted, held and available; what she owes and may owe.

    With a moment, what was posted on each account then: of what had taken effect until `effective_at`, as it was known
    at `recorded_at`; one that is left out leaves nothing out.
    """
    if effective_at or recorded_at:
        moments = {"effective_at": effective_at, "recorded_at": recorded_at}
        found = await sync_to_async(queries.balances_at)(request.auth.id, **moments)
        return schemas.show_balances(request.auth.id, found)
    return schemas.show_wallet(await queries.read_wallet(request.auth.id))


@router.get("/ledger/entries")
async def entries(
    request: Request, wanted: Query[EntriesIn], cursor: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """The caller's entries, newest first, each with the balance of its account after it."""

    def read() -> dict[str, Any]:
        found, following = queries.page_of_entries(request.auth.id, wanted.wanted(), cursor=cursor, limit=limit)
        return {"items": [schemas.show_entry(entry) for entry in found], "next_cursor": following}

    return await sync_to_async(read)()


@router.get("/ledger/entries.csv")
async def entries_csv(request: Request, wanted: Query[EntriesIn]) -> HttpResponseBase:
    """The same entries as CSV, oldest first, sent as they are read."""
    return csv_download(queries.csv_of(request.auth.id, wanted.wanted()), name="titan-entries.csv")


@router.get("/ledger/journals/{journal_id}")
async def journal(request: Request, journal_id: UUID) -> dict[str, Any]:
    """A movement of the caller's with what explains it: price, quote, hold, event."""

    def read() -> dict[str, Any]:
        found = queries.journals_seen_by(request.auth.id).filter(pk=journal_id).select_related("operation").first()
        if found is None:
            raise NotFound("There is no such movement, or none of your accounts is in it.")
        return schemas.show_story(queries.story_of(found, request.auth.id))

    return await sync_to_async(read)()


@router.get("/ledger/verify")
async def verify(request: Request) -> dict[str, Any]:
    """Recompute the whole ledger and compare; operators only."""
    request.auth.must_be_operator()
    return (await sync_to_async(queries.verify)()).as_json()


@router.get("/operations")
async def operations(
    request: Request,
    kind: str | None = None,
    machine_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> dict[str, Any]:
    """What the caller used, bought and paid, newest first."""
    mine = queries.operations_of(request.auth.id, kind=kind, machine_id=machine_id)
    found = queries.with_legs(mine, request.auth.id)
    return await sync_to_async(as_page)(found, schemas.show_operation, cursor=cursor, limit=limit)


@router.get("/operations/{operation_id}")
async def operation(request: Request, operation_id: UUID) -> dict[str, Any]:
    """One of the caller's operations."""
    mine = queries.with_legs(queries.operations_of(request.auth.id), request.auth.id)
    found = await sync_to_async(mine.filter(pk=operation_id).first)()
    if found is None:
        raise NotFound("There is no such operation, or it is not yours.")
    return await sync_to_async(schemas.show_operation)(found)
