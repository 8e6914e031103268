"""Consulting contracts: signing puts the amount into escrow, and one end takes it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Router

from billing import commands, queries, schemas
from billing.api.consulting import show_whole
from billing.models import ConsultingRequest
from service_base.api import Request
from service_base.auth import Bearer
from service_base.idempotency.answers import answer_once
from service_base.pagination import as_page

router = Router(tags=["contracts"], auth=Bearer("billing:read"))
WRITES = Bearer("billing:write")


@router.get("/contracts")
async def contracts(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The contracts that the caller, or a team of hers, is a party of, newest first."""
    return await sync_to_async(as_page)(queries.contracts_of(request.auth), _show, cursor=cursor, limit=limit)


@router.get("/contracts/disputed")
async def disputed(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The contracts that wait for an operator; operators only."""
    request.auth.must_be_operator()
    return await sync_to_async(as_page)(queries.disputed(), _show, cursor=cursor, limit=limit)


@router.get("/contracts/{request_id}")
async def contract(request: Request, request_id: UUID) -> dict[str, Any]:
    """A contract with its timeline and files; a contract keeps the id of its request."""
    return await sync_to_async(show_whole)(request.auth, request_id)


@router.post("/contracts/{request_id}/sign", auth=WRITES)
async def sign(request: Request, request_id: UUID) -> HttpResponse:
    """Sign as the chosen consultant: the amount goes from the client's wallet into escrow."""
    return await _do(request, lambda: commands.sign_contract(request_id=request_id, consultant=request.auth.id))


@router.post("/contracts/{request_id}/deliver", auth=WRITES)
async def deliver(request: Request, request_id: UUID, body: schemas.NoteIn) -> HttpResponse:
    """Say as the consultant that the work is there."""

    def work() -> ConsultingRequest:
        return commands.deliver_work(request_id=request_id, consultant=request.auth.id, note=body.note)

    return await _do(request, work, body)


@router.post("/contracts/{request_id}/finish", auth=WRITES)
async def finish(request: Request, request_id: UUID) -> HttpResponse:
    """Accept the work as the client: the consultant is paid out of escrow."""
    return await _do(request, lambda: commands.finish_contract(request_id=request_id, user=request.auth.id))


@router.post("/contracts/{request_id}/fail", auth=WRITES)
async def fail(request: Request, request_id: UUID) -> HttpResponse:
    """Take the money back as the client once the deadline has passed without a delivery."""
    return await _do(request, lambda: commands.fail_contract(request_id=request_id, user=request.auth.id))


@router.post("/contracts/{request_id}/cancel", auth=WRITES)
async def cancel(request: Request, request_id: UUID) -> HttpResponse:
    """Give the contract up as the consultant: all of the escrow returns to the client."""
    return await _do(request, lambda: commands.cancel_request(request_id=request_id, actor=request.auth.id))


@router.post("/contracts/{request_id}/dispute", auth=WRITES)
async def dispute(request: Request, request_id: UUID, body: schemas.DisputeIn) -> HttpResponse:
    """Disagree, as either side: the escrow is held until an operator settles."""

    def work() -> ConsultingRequest:
        return commands.dispute_contract(request_id=request_id, actor=request.auth.id, reason=body.reason)

    return await _do(request, work, body)


@router.post("/contracts/{request_id}/settle", auth=WRITES)
async def settle(request: Request, request_id: UUID, body: schemas.SettlementIn) -> HttpResponse:
    """Share a disputed escrow out; operators only."""
    request.auth.must_be_operator()

    def work() -> ConsultingRequest:
        return commands.settle_dispute(request_id=request_id, operator=request.auth.id, **body.dict())

    return await _do(request, work, body)


async def _do(request: Request, work: Callable[[], ConsultingRequest], body: Any = None) -> HttpResponse:
    return await answer_once(request, body, lambda: _show(work()))


def _show(found: ConsultingRequest) -> dict[str, Any]:
    return schemas.show_request(found, whole=True)
