"""Saying everything again: for services whose projections the topic can no longer rebuild."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models, transaction

from identity import publishes
from identity.models import ApiKey, SigningKey, Team, User

AT_ONCE = 500


def republish() -> dict[str, int]:
    """Append the present state of every person, team, member and key to the outbox under new event ids.

    Versions stay as they are, so whoever knows a state already changes nothing. Batches of rows are locked one after
    the other: a change made meanwhile comes before or after its row's event, never between state and event.
    """
    return {
        "people": _say_all(User, publishes.user_changed),
        "teams": _say_all(Team, _say_team),
        "revoked keys": _say_all(ApiKey, _say_revocation, revoked_at__isnull=False),
        "signing keys": _say_all(SigningKey, publishes.signing_key_published),
    }


def _say_all(model: type[models.Model], say: Callable[[Any], None], **only: Any) -> int:
    said, last = 0, None
    while True:
        rows = model._default_manager.filter(**only).order_by("pk")
        with transaction.atomic():
            batch = list((rows if last is None else rows.filter(pk__gt=last)).select_for_update(of=("self",))[:AT_ONCE])
            for row in batch:
                say(row)
        if not batch:
            return said
        said, last = said + len(batch), batch[-1].pk


def _say_team(team: Team) -> None:
    publishes.team_changed(team)
    for membership in team.memberships.select_related("user"):
        publishes.member_changed(team, membership.user, membership.role)


def _say_revocation(key: ApiKey) -> None:
    if key.revoked_at is not None:
        publishes.api_key_revoked(key, key.revoked_at)
