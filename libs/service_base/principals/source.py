"""People and keys of a service that is not identity: from its projections, and for API keys from identity itself."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import structlog

from service_base.addresses import url_of
from service_base.callers import Caller
from service_base.errors import Unavailable
from service_base.principals import commands
from service_base.principals.models import ApiKeyGrant, Principal, PublicKey, RevokedApiKey, TeamMembership
from shared_models.clock import utc_now

log = structlog.get_logger("titan.auth")
KEEP_ANSWER = timedelta(seconds=60)
CHECK_SECONDS = 3.0


class ProjectedPrincipals:
    """The source of every service but identity."""

    def signing_key(self, kid: str) -> dict[str, Any] | None:
        """The public key, if identity published it and has not retired it."""
        key = PublicKey.objects.filter(kid=kid, retired=False).first()
        return key.jwk if key else None

    def person(self, claims: dict[str, Any]) -> Principal | None:
        """The person, made just in time if her event has not arrived; None for a deactivated one."""
        person = Principal.objects.filter(pk=UUID(claims["sub"])).first() or commands.meet_person(claims)
        return person if person.is_active else None

    def teams(self, user_id: UUID) -> dict[UUID, str]:
        """The person's teams and her role in each."""
        rows = TeamMembership.objects.filter(user_id=user_id).exclude(role="")
        return dict(rows.values_list("team_id", "role"))

    def api_key(self, key: str) -> Caller | None:
        """The caller behind the key; identity is asked at most once a minute for each key."""
        key_hash = hashlib.sha256(key.encode()).hexdigest()
        grant = ApiKeyGrant.objects.filter(key_hash=key_hash, checked_at__gt=utc_now() - KEEP_ANSWER).first()
        grant = grant or _ask_identity(key, key_hash)
        if grant is None or RevokedApiKey.objects.filter(key_id=grant.key_id).exists():
            return None
        person = Principal.objects.filter(pk=grant.user_id, is_active=True).first()
        if person is None:
            return None
        return Caller(person, frozenset(grant.scopes), self.teams(person.pk), grant.key_id)


def _ask_identity(key: str, key_hash: str) -> ApiKeyGrant | None:
    try:
        answer = httpx.post(
            f"{url_of('identity')}/api/v1/api-keys/check", json={"key": key}, timeout=CHECK_SECONDS, trust_env=False
        )
    except httpx.HTTPError as error:
        log.warning("api_key.check_failed", error=str(error))
        raise Unavailable("API keys cannot be checked right now; try again in a moment.") from error
    if answer.status_code != 200:
        return None
    said = answer.json()
    commands.meet_person(said["claims"])
    state = {
        "key_id": said["key_id"],
        "user_id": said["claims"]["sub"],
        "scopes": said["scopes"],
        "checked_at": utc_now(),
    }
    grant, _ = ApiKeyGrant.objects.update_or_create(key_hash=key_hash, defaults=state)
    return grant
