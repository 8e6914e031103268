"""API keys: making, listing, revoking, and the check that other services ask for."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja import Router, Status

from identity import commands, queries, schemas, tokens
from identity.models import ApiKey, User
from service_base.api import Request
from service_base.errors import NotAllowed, NotFound
from service_base.pagination import read_page
from service_base.reading import as_model

router = Router(tags=["API keys"])


@router.post("/api-keys", response={201: dict[str, Any]})
async def create(request: Request, body: schemas.ApiKeyIn) -> Status[dict[str, Any]]:
    """Make an API key; its text is in this answer only, so no answer is stored: an Idempotency-Key has no effect."""
    _full_session(request)

    def work() -> dict[str, Any]:
        user = request.auth.user
        team = queries.team_for(user, body.team_id) if body.team_id else None
        key, text = commands.create_api_key(
            user=user, name=body.name, scopes=body.scopes, team=team, expires_at=body.expires_at
        )
        return schemas.show_api_key(key) | {"key": text}

    return Status(201, await sync_to_async(work)())


@router.get("/api-keys")
async def keys(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's keys, without their secrets."""
    mine = (ApiKey, "user_id = %s", [request.auth.id])
    return await read_page(*mine, schemas.show_api_key, cursor=cursor, limit=limit)


@router.post("/api-keys/check", auth=None)
async def check(request: HttpRequest, body: schemas.ApiKeyCheckIn) -> dict[str, Any]:
    """What a key opens, for services that were given it. Whoever asks must have the key, so nothing is revealed."""

    key = await queries.valid_api_key(body.key)
    if key is None:
        raise NotFound("This API key is unknown, expired or revoked.")
    if commands.is_worth_noting(key.last_used_at):
        await sync_to_async(commands.note_key_use)(key_id=key.key_id)
    claims = tokens.claims_of(as_model(User, key))
    return {"key_id": str(key.key_id), "scopes": json.loads(key.scopes), "claims": claims}


@router.delete("/api-keys/{key_id}", response={204: None})
async def revoke(request: Request, key_id: UUID) -> Status[None]:
    """Revoke a key everywhere."""
    _full_session(request)
    await sync_to_async(commands.revoke_api_key)(user=request.auth.user, key_id=key_id)
    return Status(204, None)


def _full_session(request: Request) -> None:
    if request.auth.scopes is not None:
        raise NotAllowed("An API key cannot make or revoke API keys; sign in.")
