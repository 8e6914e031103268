"""Building this service's people, teams and keys anew from identity's topic."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from event_bus.broker import Record
from event_bus.envelope import from_headers
from service_base.principals import commands
from service_base.principals.models import KnownTeam, Principal, TeamMembership
from shared_models.events import identity
from shared_models.events.contract import Event, decode

TOPIC = "titan.identity.v1"
LOCK = (
    "SET LOCAL lock_timeout = '20s';"
    " LOCK TABLE principal, known_team, team_membership, public_key, revoked_api_key IN SHARE ROW EXCLUSIVE MODE"
)


class NotCovered(RuntimeError):
    """The topic no longer holds everything that this service knows."""


@dataclass
class Past:
    """What identity said, as far as it still counts: the latest event about each person, team, membership and key."""

    events: int = 0
    latest: dict[type[Event], dict[tuple[Any, ...], Any]] = field(default_factory=dict)

    def hear(self, records: Iterable[Record]) -> None:
        """Take the records of the topic in, each key's in its order."""
        for record in records:
            type_ = from_headers(record.headers).type
            if type_ in _NAMES:
                event = decode(type_, record.value)
                self.events += 1
                known = self.latest.setdefault(type(event), {})
                known[tuple(getattr(event, name) for name in _NAMES[type_])] = event

    def of(self, contract: type[Event]) -> list[Any]:
        """The latest events of one contract."""
        return list(self.latest.get(contract, {}).values())


_NAMES = {
    identity.UserChanged.TYPE: ("user_id",),
    identity.TeamChanged.TYPE: ("team_id",),
    identity.TeamMemberChanged.TYPE: ("team_id", "user_id"),
    identity.ApiKeyRevoked.TYPE: ("key_id",),
    identity.SigningKeyPublished.TYPE: ("kid",),
}


def rebuild(read_further: Callable[[Past], None], *, drop_unknown: bool = False) -> dict[str, int]:
    """Make the projections what the topic says; readers see the old ones until the new ones are whole.

    The topic is read without a lock first; then writers wait while the little that came since is read and everything
    is written in one transaction. Raises NotCovered, and changes nothing, when a person, team or membership known here
    is not in the topic (its retention is over, or somebody wrote by hand), unless `drop_unknown` removes those.
    """
    past = Past()
    read_further(past)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LOCK)
        read_further(past)
        strangers = _strangers(past)
        if any(strangers.values()) and not drop_unknown:
            raise NotCovered(_sentence(strangers, past))
        for model, keys in strangers.items():
            model.objects.filter(pk__in=keys).delete()
        commands.remember_people(past.of(identity.UserChanged), even_older=True)
        commands.remember_teams(past.of(identity.TeamChanged), even_older=True)
        commands.remember_memberships(past.of(identity.TeamMemberChanged), even_older=True)
        commands.revoke_keys(past.of(identity.ApiKeyRevoked))
        commands.remember_signing_keys(past.of(identity.SigningKeyPublished))
    return _counts(past) | {"events": past.events, "dropped": sum(map(len, strangers.values()))}


def _strangers(past: Past) -> dict[Any, list[Any]]:
    """Rows that an event made here (a version says so) and that the topic does not have; what is over is no loss."""
    people = {name for (name,) in past.latest.get(identity.UserChanged, {})}
    teams = {name for (name,) in past.latest.get(identity.TeamChanged, {})}
    members = set(past.latest.get(identity.TeamMemberChanged, {}))
    held = TeamMembership.objects.exclude(role="").values_list("pk", "team_id", "user_id")
    return {
        TeamMembership: [pk for pk, team, user in held if (team, user) not in members],
        KnownTeam: [pk for pk in _keys(KnownTeam.objects.filter(deleted=False)) if pk not in teams],
        Principal: [pk for pk in _keys(Principal.objects.filter(version__gt=0)) if pk not in people],
    }


def _keys(rows: Any) -> list[Any]:
    return list(rows.values_list("pk", flat=True))


def _counts(past: Past) -> dict[str, int]:
    return {
        "people": len(past.of(identity.UserChanged)),
        "teams": len(past.of(identity.TeamChanged)),
        "memberships": len(past.of(identity.TeamMemberChanged)),
        "keys": len(past.of(identity.ApiKeyRevoked)) + len(past.of(identity.SigningKeyPublished)),
    }


def _sentence(strangers: dict[Any, list[Any]], past: Past) -> str:
    titles = {Principal: "people", KnownTeam: "teams", TeamMembership: "memberships"}
    lost = ", ".join(
        f"{len(keys)} of {model.objects.count()} {titles[model]}" for model, keys in strangers.items() if keys
    )
    return (
        f"{TOPIC} does not hold {lost} known here (it holds {_counts(past)['people']} people): let identity say all of "
        "it again with `titan republish`, then rebuild; --drop-unknown drops those that identity does not know either."
    )
