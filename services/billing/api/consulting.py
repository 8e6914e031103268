"""Consulting before the contract: requests, the board, offers, and the files of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from billing import commands, queries, schemas, store
from billing.attachments import FILE_BODY, download_for, receive_upload
from billing.models import ConsultingRequest
from billing.rules.consulting import Category, category_of
from service_base.api import Request
from service_base.auth import Bearer
from service_base.callers import Caller
from service_base.errors import NotFound
from service_base.idempotency.answers import HEADER, answer_once
from service_base.pagination import as_page
from shared_models.ids import new_id

router = Router(tags=["consulting"], auth=Bearer("billing:read"))
WRITES = Bearer("billing:write")


@router.post("/consulting", auth=WRITES, response={201: dict[str, Any]})
async def open_request(request: Request, body: schemas.ConsultingIn) -> HttpResponse:
    """Ask for help; consultants see it on the board and may offer."""

    def work() -> dict[str, Any]:
        key = request.headers.get(HEADER) or str(new_id())
        found = commands.open_request(user=request.auth.id, key=key, teams=request.auth.teams, **body.dict())
        return schemas.show_request(found, whole=True)

    return await answer_once(request, body, work, status=201)


@router.get("/consulting")
async def requests(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's requests, those of her teams, and those she is the consultant of; newest first."""
    return await _page(queries.requests_of(request.auth), cursor, limit, whole=True)


@router.get("/consulting/board")
async def board(request: Request, category: str = "", cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """Other people's open requests, newest first; `category` keeps one kind."""
    wanted = category_of(category).value if category else ""
    return await _page(queries.board(request.auth, category=wanted), cursor, limit, whole=False)


@router.get("/consulting/categories")
async def categories(request: Request) -> dict[str, Any]:
    """What help can be asked for."""
    return {"items": [{"name": found.value, "label": found.label} for found in Category]}


@router.get("/consulting/{request_id}")
async def one(request: Request, request_id: UUID) -> dict[str, Any]:
    """A request with the offers the caller may see, and for its parties its timeline and files."""
    return await sync_to_async(show_whole)(request.auth, request_id)


@router.post("/consulting/{request_id}/offers", auth=WRITES, response={201: dict[str, Any]})
async def make_offer(request: Request, request_id: UUID, body: schemas.OfferIn) -> HttpResponse:
    """Offer to do it; new terms take the place of the caller's earlier offer."""

    def work() -> dict[str, Any]:
        offer = commands.make_offer(request_id=request_id, consultant=request.auth.id, **body.dict())
        return schemas.show_offer(offer)

    return await answer_once(request, body, work, status=201)


@router.post("/consulting/{request_id}/offers/withdraw", auth=WRITES)
async def withdraw_offer(request: Request, request_id: UUID) -> HttpResponse:
    """Take the caller's offer back."""
    return await _do(request, lambda: commands.withdraw_offer(request_id=request_id, consultant=request.auth.id))


@router.post("/consulting/{request_id}/offers/{offer_id}/choose", auth=WRITES)
async def choose_offer(request: Request, request_id: UUID, offer_id: UUID) -> HttpResponse:
    """Choose an offer; its consultant signs next, and only then does money move."""

    def work() -> ConsultingRequest:
        return commands.choose_offer(request_id=request_id, offer_id=offer_id, user=request.auth.id)

    return await _do(request, work)


@router.post("/consulting/{request_id}/reopen", auth=WRITES)
async def reopen(request: Request, request_id: UUID, body: schemas.NoteIn) -> HttpResponse:
    """Decline as the chosen consultant, or choose anew as the client; not after the signature."""

    def work() -> ConsultingRequest:
        return commands.reopen_request(request_id=request_id, actor=request.auth.id, note=body.note)

    return await _do(request, work, body)


@router.post("/consulting/{request_id}/cancel", auth=WRITES)
async def cancel(request: Request, request_id: UUID) -> HttpResponse:
    """Call the request off before it is a contract."""
    return await _do(request, lambda: commands.cancel_request(request_id=request_id, actor=request.auth.id))


@router.get("/consulting/{request_id}/files")
async def files(request: Request, request_id: UUID) -> dict[str, Any]:
    """The files of a request, for its parties."""

    def read() -> dict[str, Any]:
        found = queries.request_seen_by(request.auth, request_id)
        if found is None or not queries.is_insider(request.auth, found):
            raise NotFound("There is no such consulting request, or you have no part in it.")
        return {"items": [schemas.show_file(file) for file in found.files.order_by("id")], "next_cursor": None}

    return await sync_to_async(read)()


@router.post("/consulting/{request_id}/files", auth=WRITES, response={201: dict[str, Any]}, openapi_extra=FILE_BODY)
async def add_file(request: Request, request_id: UUID) -> HttpResponse:
    """Add a file of up to 25 MiB; what it is is read from its bytes, and few kinds are taken."""
    received, name = await sync_to_async(receive_upload)(request)

    def work() -> dict[str, Any]:
        kept = commands.add_file(request_id=request_id, actor=request.auth.id, received=received, name=name)
        return schemas.show_file(kept)

    try:
        return await answer_once(request, {"sha256": received.sha256, "name": name}, work, status=201)
    finally:
        await sync_to_async(store.discard)(received)


@router.get("/consulting/files/{file_id}")
async def download(request: Request, file_id: UUID) -> HttpResponseBase:
    """A file's bytes, for the parties of its request."""
    return await download_for(request.auth, file_id)


def show_whole(caller: Caller, request_id: UUID) -> dict[str, Any]:
    """The request with all that the caller may see of it."""
    found = queries.request_seen_by(caller, request_id)
    if found is None:
        raise NotFound("There is no such consulting request, or you have no part in it.")
    whole = queries.is_insider(caller, found)
    shown = schemas.show_request(found, whole=whole)
    shown["offers"] = [schemas.show_offer(offer) for offer in queries.offers_seen_by(caller, found)]
    if whole:
        shown["steps"] = [schemas.show_step(step) for step in queries.steps_seen_by(caller, found)]
        shown["files"] = [schemas.show_file(file) for file in found.files.order_by("id")]
    return shown


async def _do(request: Request, work: Callable[[], ConsultingRequest], body: Any = None) -> HttpResponse:
    def shown() -> dict[str, Any]:
        found = work()
        return schemas.show_request(found, whole=queries.is_insider(request.auth, found))

    return await answer_once(request, body, shown)


async def _page(found: Any, cursor: str | None, limit: int, *, whole: bool) -> dict[str, Any]:
    def show(row: ConsultingRequest) -> dict[str, Any]:
        return schemas.show_request(row, whole=whole)

    return await sync_to_async(as_page)(found, show, cursor=cursor, limit=limit)
