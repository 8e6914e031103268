"""Reading identity: people, teams, keys; and the originals that other services keep projections of."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from identity.models import AuditEntry, Session, SigningKey, Team, TeamMembership, User
from identity.rules import digest, parse_api_key
from service_base.auth import Token
from service_base.callers import Caller
from service_base.errors import NotFound
from service_base.reading import as_model, columns_of, row
from shared_models.clock import utc_now

_USER = f"""{columns_of(User)}, (
    SELECT json_object_agg(team_id, role)::text FROM team_membership WHERE user_id = "user".id) AS roles"""
BY_TOKEN = f"""SELECT {_USER} FROM "user" WHERE id = %s AND is_active
    AND EXISTS (SELECT FROM signing_key WHERE kid = %s AND retired_at IS NULL)
    AND NOT EXISTS (SELECT FROM session WHERE session.id = %s AND ended_at IS NOT NULL)"""
BY_KEY = f"""SELECT {_USER}, api_key.id AS key_id, scopes, last_used_at
    FROM api_key JOIN "user" ON "user".id = api_key.user_id AND is_active
    WHERE api_key.id = %s AND secret_hash = %s AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > %s)"""


def teams_of(user_id: UUID) -> dict[UUID, str]:
    """The person's teams and her role in each."""
    return dict(TeamMembership.objects.filter(user_id=user_id).values_list("team_id", "role"))


def team_for(user: User, team_id: UUID) -> Team:
    """A team the person is in. Raises NotFound for any other, existing or not."""
    team = Team.objects.filter(pk=team_id, memberships__user=user).first()
    if team is None:
        raise NotFound("There is no such team, or you are not in it.")
    return team


def role_in(team: Team, user: User) -> str | None:
    """The person's role in the team; None when she is not in it."""
    return TeamMembership.objects.filter(team=team, user=user).values_list("role", flat=True).first()


def members_of(team: Team) -> QuerySet[TeamMembership]:
    """Who is in the team."""
    return TeamMembership.objects.filter(team=team).select_related("user").order_by("created_at")


def open_sessions(user: User) -> QuerySet[Session]:
    """Where the person is signed in."""
    return Session.objects.filter(user=user, ended_at=None, expires_at__gt=utc_now())


def live_keys() -> list[SigningKey]:
    """Keys that tokens may be signed with, newest first."""
    return list(SigningKey.objects.filter(retired_at=None).order_by("-signs_from"))


def signing_key_now() -> SigningKey:
    """The newest key whose time has come. Raises LookupError before the first was made."""
    key = SigningKey.objects.filter(retired_at=None, signs_from__lte=utc_now()).order_by("-signs_from").first()
    if key is None:
        raise LookupError("identity has no signing key yet; its worker makes one at start")
    return key


async def valid_api_key(text: str) -> Any | None:
    """The person behind the key with that text, its id, scopes and last use; None once it expired or was revoked."""
    parsed = parse_api_key(text)
    return await row(BY_KEY, [parsed[0], digest(parsed[1]), utc_now()]) if parsed else None


def audit_of(user: User) -> QuerySet[AuditEntry]:
    """What the person did and what was done to her."""
    return AuditEntry.objects.filter(Q(actor_id=user.pk) | Q(target=str(user.pk)))


class Originals:
    """The source of people and keys in identity itself."""

    async def signing_key(self, kid: str) -> dict[str, Any] | None:
        """The public key with that id."""
        found = await row("SELECT public_jwk FROM signing_key WHERE kid = %s AND retired_at IS NULL", [kid])
        return dict(json.loads(found.public_jwk)) if found else None

    async def session(self, token: Token) -> Caller | None:
        """The active user of a valid token whose session has not been ended; her teams as they are now."""
        found = await row(BY_TOKEN, [token.user_id, token.kid, token.claims["sid"]])
        return Caller(as_model(User, found), teams=_roles(found.roles)) if found else None

    async def api_key(self, key: str) -> Caller | None:
        """The caller behind an API key."""
        found = await valid_api_key(key)
        if found is None:
            return None
        return Caller(as_model(User, found), frozenset(json.loads(found.scopes)), _roles(found.roles), found.key_id)


def _roles(known: str | None) -> dict[UUID, str]:
    return {UUID(team): role for team, role in json.loads(known or "{}").items()}
