"""Reading identity: people, teams, keys; and the originals that other services keep projections of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from identity.models import ApiKey, AuditEntry, Session, SigningKey, Team, TeamMembership, User
from identity.rules import digest, parse_api_key
from service_base.callers import Caller
from service_base.errors import NotFound
from shared_models.clock import utc_now


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


def valid_api_key(text: str) -> ApiKey | None:
    """The key with that text, if it is neither expired nor revoked."""
    parsed = parse_api_key(text)
    if parsed is None:
        return None
    key_id, secret = parsed
    unexpired = Q(expires_at=None) | Q(expires_at__gt=utc_now())
    found = ApiKey.objects.filter(unexpired, pk=key_id, revoked_at=None, user__is_active=True)
    return found.filter(secret_hash=digest(secret)).select_related("user").first()


def audit_of(user: User) -> QuerySet[AuditEntry]:
    """What the person did and what was done to her."""
    return AuditEntry.objects.filter(Q(actor_id=user.pk) | Q(target=str(user.pk)))


class Originals:
    """The source of people and keys in identity itself."""

    def signing_key(self, kid: str) -> dict[str, Any] | None:
        """The public key with that id."""
        key = SigningKey.objects.filter(kid=kid, retired_at=None).first()
        return key.public_jwk if key else None

    def person(self, claims: dict[str, Any]) -> User | None:
        """The active user of a valid token whose session has not been ended."""
        user = User.objects.filter(pk=claims["sub"], is_active=True).first()
        ended = Session.objects.filter(pk=claims["sid"], ended_at__isnull=False).exists()
        return None if ended else user

    def teams(self, user_id: UUID) -> dict[UUID, str]:
        """The person's teams and her role in each."""
        return teams_of(user_id)

    def api_key(self, key: str) -> Caller | None:
        """The caller behind an API key."""
        found = valid_api_key(key)
        return Caller(found.user, frozenset(found.scopes), teams_of(found.user_id), found.pk) if found else None
