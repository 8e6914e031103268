"""What identity says."""

from __future__ import annotations

from datetime import datetime

from event_bus import publishes
from event_bus.outbox import append
from identity.models import ApiKey, SigningKey, Team, User
from shared_models.events import identity

PUBLISHES = publishes(
    identity.UserChanged,
    identity.TeamChanged,
    identity.TeamMemberChanged,
    identity.ApiKeyRevoked,
    identity.SigningKeyPublished,
)


def user_changed(user: User) -> None:
    """The person as she is now; her row is locked by the caller."""
    append(
        identity.UserChanged(
            user_id=user.pk,
            version=user.version,
            email=user.email,
            first_name=user.first_name,
            last_name=user.last_name,
            is_active=user.is_active,
            is_staff=user.is_staff,
            is_superuser=user.is_superuser,
            time_format=user.time_format,
            date_format=user.date_format,
            date_separator=user.date_separator,
            datetime_separator=user.datetime_separator,
            decimal_separator=user.decimal_separator,
        )
    )


def team_changed(team: Team, *, deleted: bool = False) -> None:
    """The team as it is now."""
    append(identity.TeamChanged(team_id=team.pk, version=team.version, name=team.name, deleted=deleted))


def member_changed(team: Team, user: User, role: str | None) -> None:
    """The person's role in the team from now on."""
    append(identity.TeamMemberChanged(team_id=team.pk, user_id=user.pk, version=team.version, role=role))


def api_key_revoked(key: ApiKey, at: datetime) -> None:
    """The key opens nothing any more."""
    append(identity.ApiKeyRevoked(key_id=key.pk, user_id=key.user_id, revoked_at=at))


def signing_key_published(key: SigningKey) -> None:
    """Tokens may be signed with this key; or, once it is retired, no longer."""
    retired = key.retired_at is not None
    append(identity.SigningKeyPublished(kid=key.kid, jwk=key.public_jwk, retired=retired))
