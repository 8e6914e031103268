"""People and keys of a service that is not identity: from its projections, and for API keys from identity itself."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import structlog
from asgiref.sync import sync_to_async

from service_base.addresses import url_of
from service_base.auth import Token
from service_base.callers import Caller
from service_base.errors import Unavailable
from service_base.principals import commands
from service_base.principals.models import ApiKeyGrant, Principal
from service_base.reading import as_model, columns_of, row
from shared_models.clock import utc_now

log = structlog.get_logger("titan.auth")
KEEP_ANSWER = timedelta(seconds=60)
CHECK_SECONDS = 3.0
# Roles as they are now; an empty one says that she left, whatever her token still claims.
_PERSON = f"""{columns_of(Principal)}, (
    SELECT json_object_agg(team_id, role)::text FROM team_membership WHERE user_id = principal.id) AS roles"""
BY_TOKEN = f"""SELECT {_PERSON} FROM principal
    WHERE id = %s AND EXISTS (SELECT FROM public_key WHERE kid = %s AND NOT retired)"""
BY_KEY = f"""SELECT {_PERSON}, api_key_grant.key_id, scopes
    FROM api_key_grant JOIN principal ON principal.id = api_key_grant.user_id AND is_active
    WHERE key_hash = %s AND checked_at > %s
    AND NOT EXISTS (SELECT FROM revoked_api_key WHERE revoked_api_key.key_id = api_key_grant.key_id)"""


class ProjectedPrincipals:
    """The source of every service but identity."""

    async def signing_key(self, kid: str) -> dict[str, Any] | None:
        """The public key, if identity published it and has not retired it."""
        found = await row("SELECT jwk FROM public_key WHERE kid = %s AND NOT retired", [kid])
        return dict(json.loads(found.jwk)) if found else None

    async def session(self, token: Token) -> Caller | None:
        """The person, made just in time if her event has not arrived; None for a deactivated one or a retired key."""
        found = await row(BY_TOKEN, [token.user_id, token.kid])
        if found is not None:
            person = as_model(Principal, found)
            return Caller(person, teams=_held(token.teams, found.roles)) if person.is_active else None
        if await self.signing_key(token.kid) is None:
            return None
        person = await sync_to_async(commands.meet_person)(token.claims)
        return Caller(person, teams=token.teams) if person.is_active else None

    async def api_key(self, key: str) -> Caller | None:
        """The caller behind the key; identity is asked at most once a minute for each key."""
        key_hash = hashlib.sha256(key.encode()).hexdigest()
        found = await row(BY_KEY, [key_hash, utc_now() - KEEP_ANSWER])
        if found is None and await sync_to_async(_ask_identity)(key, key_hash):
            found = await row(BY_KEY, [key_hash, utc_now() - KEEP_ANSWER])
        if found is None:
            return None
        scopes = frozenset(json.loads(found.scopes))
        return Caller(as_model(Principal, found), scopes, _held({}, found.roles), found.key_id)


def _held(claimed: dict[UUID, str], known: str | None) -> dict[UUID, str]:
    if known is None:
        return claimed
    roles = claimed | {UUID(team): role for team, role in json.loads(known).items()}
    return {team: role for team, role in roles.items() if role}


def _ask_identity(key: str, key_hash: str) -> bool:
    """Whether identity knows the key; what it opens is then kept."""
    try:
        answer = httpx.post(
            f"{url_of('identity')}/api/v1/api-keys/check", json={"key": key}, timeout=CHECK_SECONDS, trust_env=False
        )
    except httpx.HTTPError as error:
        log.warning("api_key.check_failed", error=str(error))
        raise Unavailable("API keys cannot be checked right now; try again in a moment.") from error
    if answer.status_code != 200:
        return False
    said = answer.json()
    commands.meet_person(said["claims"])
    state = {
        "key_id": said["key_id"],
        "user_id": said["claims"]["sub"],
        "scopes": said["scopes"],
        "checked_at": utc_now(),
    }
    ApiKeyGrant.objects.update_or_create(key_hash=key_hash, defaults=state)
    return True
