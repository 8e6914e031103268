"""Exchange keys: stored sealed, shown without their secrets, tested, deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from ninja import Router, Status

from service_base.api import Request
from service_base.errors import NotAllowed
from service_base.pagination import as_page
from trading import commands, queries, schemas
from trading.api.scopes import READ

router = Router(tags=["keys"])


@router.post("/keys", response={201: dict[str, Any]})
async def create(request: Request, body: schemas.KeyIn) -> Status[dict[str, Any]]:
    """Store a key. A request with a secret in it is never kept for replay, so an Idempotency-Key has no effect."""
    _full_session(request)
    credentials = {"api_key": body.api_key, "secret": body.secret, "passphrase": body.passphrase}

    def work() -> dict[str, Any]:
        row = commands.add_key(user_id=request.auth.id, exchange=body.exchange, name=body.name, credentials=credentials)
        return schemas.show_key(row)

    return Status(201, await sync_to_async(work)())


@router.get("/keys", auth=READ)
async def keys(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's keys, without their secrets."""
    mine = queries.keys_of(request.auth.id)
    return await sync_to_async(as_page)(mine, schemas.show_key, cursor=cursor, limit=limit)


@router.post("/keys/{key_id}/test")
async def test(request: Request, key_id: UUID) -> dict[str, Any]:
    """Try the key out and say what it may do."""
    _full_session(request)
    row = await sync_to_async(commands.test_key)(user_id=request.auth.id, key_id=key_id)
    return schemas.show_key(row)


@router.delete("/keys/{key_id}", response={204: None})
async def delete(request: Request, key_id: UUID) -> Status[None]:
    """Forget the key; the bots that used it keep their history."""
    _full_session(request)
    await sync_to_async(commands.delete_key)(user_id=request.auth.id, key_id=key_id)
    return Status(204, None)


def _full_session(request: Request) -> None:
    if request.auth.scopes is not None:
        raise NotAllowed("An API key cannot manage exchange keys; sign in.")
