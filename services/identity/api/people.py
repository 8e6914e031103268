"""The caller herself, and the audit trail."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from ninja import Router

from identity import commands, queries, schemas
from identity.models import AuditEntry
from service_base.api import Request
from service_base.pagination import as_page

router = Router(tags=["people"])


@router.get("/me")
async def me(request: Request) -> dict[str, Any]:
    """The caller, with the balances of her ledger as billing last reported them."""
    return schemas.show_user(request.auth.user)


@router.patch("/me/formats")
async def formats(request: Request, body: schemas.FormatsIn) -> dict[str, Any]:
    """Set how the caller wants to see dates and numbers."""
    chosen = body.dict(exclude_none=True)
    return schemas.show_user(await sync_to_async(commands.change_formats)(user=request.auth.user, **chosen))


@router.get("/audit")
async def audit(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's audit entries; operators see everybody's."""
    everybody = request.auth.is_operator and request.auth.scopes is None
    entries = AuditEntry.objects.all() if everybody else queries.audit_of(request.auth.user)
    return await sync_to_async(as_page)(entries, schemas.show_audit, cursor=cursor, limit=limit)
