"""Entries at a moment; and verifications of the ledger, what each found and another one now, for operators only."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from ninja import Query, Router, Schema, Status

from billing import commands, queries, schemas
from billing.models import Verification
from service_base.api import Request
from service_base.auth import Bearer
from service_base.moments import Moment
from service_base.pagination import as_page

router = Router(tags=["ledger"], auth=Bearer("billing:read"))


class MomentsIn(Schema):
    """Which entries: those of one account that had taken effect until one moment, as far as known at another."""

    account: str = "usd"
    effective_at: Moment | None = None
    recorded_at: Moment | None = None


@router.get("/ledger/as-of")
async def as_of(
    request: Request, asked: Query[MomentsIn], cursor: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """The entries that made up one of the caller's balances at those moments, newest first, and what they sum to.

    The `balance` of an entry is the one after it was booked, in the order of booking.
    """

    def read() -> dict[str, Any]:
        moments = {"effective_at": asked.effective_at, "recorded_at": asked.recorded_at}
        found, following = queries.entries_at(request.auth.id, asked.account, **moments, cursor=cursor, limit=limit)
        then = queries.balances_at(request.auth.id, **moments)
        items = [schemas.show_entry(entry) for entry in found]
        return {
            **schemas.show_balance(then, asked.account),
            "items": items,
            "next_cursor": following,
        }

    return await sync_to_async(read)()


@router.get("/ledger/verifications")
async def verifications(request: Request, cursor: str | None = None, limit: int = 20) -> dict[str, Any]:
    """The verdicts that were kept, newest first."""
    request.auth.must_be_operator()
    found = Verification.objects.all()
    return await sync_to_async(as_page)(found, schemas.show_verification, cursor=cursor, limit=limit)


@router.post("/ledger/verifications", auth=Bearer("billing:write"), response={201: dict[str, Any]})
async def verify_now(request: Request) -> Status[dict[str, Any]]:
    """Recompute the whole ledger, compare, and keep the verdict: a new one each time, since the ledger goes on."""
    request.auth.must_be_operator()
    # Outside any other transaction, so that all checks see one state.
    found = await sync_to_async(commands.verify_ledger)(asked_by="operator", by=request.auth.id)
    return Status(201, schemas.show_verification(found))
