"""Writing the projections of identity; an older version never overwrites a newer one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from service_base.principals.models import (
    ApiKeyGrant,
    KnownTeam,
    Principal,
    PublicKey,
    RevokedApiKey,
    TeamMembership,
)
from shared_models.events import identity

_COPIED = (
    "version",
    "email",
    "first_name",
    "last_name",
    "is_active",
    "is_staff",
    "is_superuser",
    "time_format",
    "date_format",
    "date_separator",
    "datetime_separator",
    "decimal_separator",
)


@transaction.atomic
def remember_person(event: identity.UserChanged) -> None:
    """Make the projection equal the event, unless it already knows something newer."""
    state = {name: getattr(event, name) for name in _COPIED}
    person, new = Principal.objects.select_for_update().get_or_create(id=event.user_id, defaults=state)
    if not new and person.version < event.version:
        Principal.objects.filter(pk=person.pk).update(**state)


@transaction.atomic
def meet_person(claims: dict[str, Any]) -> Principal:
    """The person of a valid token, made with what the token says when her event has not arrived yet."""
    person, _ = Principal.objects.get_or_create(
        id=UUID(claims["sub"]),
        defaults={
            "email": claims.get("email"),
            "first_name": claims.get("first_name", ""),
            "last_name": claims.get("last_name", ""),
            "is_staff": bool(claims.get("staff")),
            "is_superuser": bool(claims.get("superuser")),
        },
    )
    return person


@transaction.atomic
def remember_team(event: identity.TeamChanged) -> None:
    """Make the projection equal the event, unless it already knows something newer."""
    state = {"name": event.name, "version": event.version, "deleted": event.deleted}
    team, new = KnownTeam.objects.select_for_update().get_or_create(id=event.team_id, defaults=state)
    if not new and team.version < event.version:
        KnownTeam.objects.filter(pk=team.pk).update(**state)


@transaction.atomic
def remember_membership(event: identity.TeamMemberChanged) -> None:
    """Make the projection equal the event, unless it already knows something newer."""
    state = {"role": event.role or "", "version": event.version}
    row, new = TeamMembership.objects.select_for_update().get_or_create(
        team_id=event.team_id, user_id=event.user_id, defaults=state
    )
    if not new and row.version < event.version:
        TeamMembership.objects.filter(pk=row.pk).update(**state)


@transaction.atomic
def revoke_key(*, key_id: UUID, revoked_at: datetime) -> None:
    """From this commit on the key opens nothing here, whatever a check under way may answer."""
    RevokedApiKey.objects.get_or_create(key_id=key_id, defaults={"revoked_at": revoked_at})
    ApiKeyGrant.objects.filter(key_id=key_id).delete()


@transaction.atomic
def remember_signing_key(event: identity.SigningKeyPublished) -> None:
    """Keep the key as it is now."""
    PublicKey.objects.update_or_create(kid=event.kid, defaults={"jwk": event.jwk, "retired": event.retired})
