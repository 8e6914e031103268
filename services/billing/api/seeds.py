"""The first design's names for money, answered by the ledger: credits, debits, and the flat billing row."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from ninja import Router

from billing import queries
from billing.schemas.statements import show_billing_row, show_leg
from service_base.api import Request
from service_base.auth import Bearer
from service_base.pagination import as_page

router = Router(tags=["first names"], auth=Bearer("billing:read"))


@router.get("/credits")
async def credits_(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The dollars that came into the caller's wallet, newest first."""
    return await _legs(request, "credit", cursor, limit)


@router.get("/debits")
async def debits(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The dollars that went out of the caller's wallet, as positive amounts, newest first."""
    return await _legs(request, "debit", cursor, limit)


@router.get("/credits-ixioo")
async def credits_ixioo(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The tokens that came into the caller's wallet, newest first."""
    return await _legs(request, "credit_ixioo", cursor, limit)


@router.get("/debits-ixioo")
async def debits_ixioo(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The tokens that went out of the caller's wallet, as positive amounts, newest first."""
    return await _legs(request, "debit_ixioo", cursor, limit)


@router.get("/billings")
async def billings(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """One flat row for each operation that the caller paid for or earned by, newest operation first."""
    found = queries.billing_rows_of(request.auth.id)
    return await sync_to_async(as_page)(found, show_billing_row, cursor=cursor, limit=limit, field="operation_id")


async def _legs(request: Request, name: str, cursor: str | None, limit: int) -> dict[str, Any]:
    found = queries.seeds_of(request.auth.id, name)
    return await sync_to_async(as_page)(found, show_leg, cursor=cursor, limit=limit, field="entry_id")
