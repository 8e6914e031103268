"""Writing the projections of identity; an older version never overwrites a newer one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from service_base.principals.models import ApiKeyGrant, Principal
from service_base.principals.tables import MEMBERSHIPS, PEOPLE, REVOKED_KEYS, SIGNING_KEYS, TEAMS
from shared_models.events import identity


@transaction.atomic
def remember_people(events: Sequence[identity.UserChanged], *, even_older: bool = False) -> None:
    """Make the projection equal the events, unless it already knows something newer (or `even_older`)."""
    PEOPLE.put((_person(event) for event in events), even_older=even_older)


def _person(event: identity.UserChanged) -> dict[str, Any]:
    # People sign in at identity: here nobody has a password.
    return event.model_dump(mode="json", exclude={"user_id"}) | {"id": event.user_id, "password": ""}


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
def remember_teams(events: Sequence[identity.TeamChanged], *, even_older: bool = False) -> None:
    """Make the projection equal the events, unless it already knows something newer (or `even_older`)."""
    rows = ({"id": e.team_id, "version": e.version, "name": e.name, "deleted": e.deleted} for e in events)
    TEAMS.put(rows, even_older=even_older)


@transaction.atomic
def remember_memberships(events: Sequence[identity.TeamMemberChanged], *, even_older: bool = False) -> None:
    """Make the projection equal the events, unless it already knows something newer (or `even_older`)."""
    rows = ({"team_id": e.team_id, "user_id": e.user_id, "role": e.role or "", "version": e.version} for e in events)
    MEMBERSHIPS.put(rows, even_older=even_older)


@transaction.atomic
def revoke_keys(events: Sequence[identity.ApiKeyRevoked]) -> None:
    """From this commit on the keys open nothing here, whatever a check under way may answer."""
    REVOKED_KEYS.put(event.model_dump(mode="json", include={"key_id", "revoked_at"}) for event in events)
    ApiKeyGrant.objects.filter(key_id__in=[event.key_id for event in events]).delete()


@transaction.atomic
def remember_signing_keys(events: Sequence[identity.SigningKeyPublished]) -> None:
    """Keep the keys as they are now."""
    SIGNING_KEYS.put(event.model_dump(mode="json") for event in events)
