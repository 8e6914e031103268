"""Verifications of the ledger: what each found, and another one now; operators only."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from ninja import Router, Status

from billing import commands, schemas
from billing.models import Verification
from service_base.api import Request
from service_base.auth import Bearer
from service_base.pagination import as_page

router = Router(tags=["ledger"], auth=Bearer("billing:read"))


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
