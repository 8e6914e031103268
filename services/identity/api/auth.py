"""Registering, signing in, staying signed in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja import Router, Status

from identity import commands, queries, schemas, tokens
from service_base.api import Request
from service_base.errors import NotFound

router = Router(tags=["auth"])


@router.post("/auth/register", auth=None, response={201: dict[str, Any]})
async def register(request: HttpRequest, body: schemas.RegisterIn) -> Status[dict[str, Any]]:
    """Make a person; sign in afterwards."""
    user = await sync_to_async(commands.register)(**body.dict(), ip=request.META.get("REMOTE_ADDR"))
    return Status(201, schemas.show_user(user))


@router.post("/auth/login", auth=None, response=schemas.TokensOut)
async def login(request: HttpRequest, body: schemas.LoginIn) -> dict[str, Any]:
    """Open a session."""
    return _tokens(await sync_to_async(commands.sign_in)(request=request, email=body.email, password=body.password))


@router.post("/auth/refresh", auth=None, response=schemas.TokensOut)
async def refresh(request: HttpRequest, body: schemas.RefreshIn) -> dict[str, Any]:
    """Exchange a refresh token for new tokens; the old one is spent, and coming back it ends the session."""
    return _tokens(await sync_to_async(commands.refresh)(refresh_token=body.refresh_token))


@router.get("/auth/sessions")
async def sessions(request: Request) -> dict[str, Any]:
    """Where the caller is signed in."""
    found = await sync_to_async(lambda: list(queries.open_sessions(request.auth.user)))()
    return {"items": [schemas.show_session(session) for session in found], "next_cursor": None}


@router.delete("/auth/sessions/{session_id}", response={204: None})
async def end_session(request: Request, session_id: UUID) -> Status[None]:
    """Sign out one of the caller's sessions."""
    ended = await sync_to_async(commands.end_session)(user=request.auth.user, session_id=session_id)
    if not ended:
        raise NotFound("You have no such open session.")
    return Status(204, None)


def _tokens(opened: commands.SessionTokens) -> dict[str, Any]:
    return {
        "access_token": opened.access,
        "refresh_token": opened.refresh,
        "expires_in": int(tokens.LIFETIME.total_seconds()),
    }
