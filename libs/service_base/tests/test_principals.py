"""The projections of identity: the newest state wins in whatever order events come, and they can be built anew."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from event_bus.testing import deliver, record_of
from service_base.principals import commands
from service_base.principals.models import ApiKeyGrant, KnownTeam, Principal, PublicKey, RevokedApiKey, TeamMembership
from service_base.principals.rebuild import NotCovered, Past, rebuild
from shared_models.clock import utc_now
from shared_models.events import identity
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db
ADA, TEAM = UUID(int=1), UUID(int=2)


def person(version: int = 1, **changes: Any) -> identity.UserChanged:
    state = {"email": "ada@example.org", "first_name": "Ada", "last_name": f"v{version}", "is_active": True}
    state |= {"is_staff": False, "is_superuser": False}
    return identity.UserChanged(**{"user_id": ADA, "version": version, **state, **changes})


def member(version: int, role: str | None) -> identity.TeamMemberChanged:
    return identity.TeamMemberChanged(team_id=TEAM, user_id=ADA, version=version, role=role)


def reads(*events: Any) -> Callable[[Past], None]:
    """The topic with these events, given out at the first reading."""
    waiting = list(events)

    def further(past: Past) -> None:
        past.hear([record_of(event) for event in waiting])
        waiting.clear()

    return further


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
@pytest.mark.parametrize("at_once", [True, False])
def test_the_newest_version_wins_in_whatever_order_events_come(order: tuple[int, ...], at_once: bool) -> None:
    batches = [[person(version) for version in order]] if at_once else [[person(version)] for version in order]
    for events in batches:
        commands.remember_people(events)
    assert Principal.objects.get(pk=ADA).last_name == "v3"


def test_a_thousand_people_are_one_statement(django_assert_num_queries: Any) -> None:
    people = [person(user_id=new_id()) for _ in range(1000)]
    with django_assert_num_queries(3):  # with the savepoint around it
        commands.remember_people(people)
    assert Principal.objects.count() == 1000


def test_events_of_every_kind_reach_their_tables() -> None:
    key_id = new_id()
    ApiKeyGrant.objects.create(key_hash="h", key_id=key_id, user_id=ADA)
    deliver(
        person(),
        identity.TeamChanged(team_id=TEAM, version=1, name="Lab"),
        member(1, "admin"),
        member(2, None),
        identity.ApiKeyRevoked(key_id=key_id, user_id=ADA, revoked_at=utc_now()),
        identity.SigningKeyPublished(kid="k", jwk={"x": "1"}),
    )
    assert KnownTeam.objects.get().name == "Lab"
    assert TeamMembership.objects.get().role == ""
    assert RevokedApiKey.objects.get().key_id == key_id
    assert PublicKey.objects.get().jwk == {"x": "1"}
    assert not ApiKeyGrant.objects.exists()


def test_a_rebuild_puts_right_what_was_spoilt() -> None:
    commands.remember_people([person(2)])
    Principal.objects.update(last_name="spoilt", version=99)
    counts = rebuild(reads(person(1), person(2)))
    ada = Principal.objects.get()
    assert (ada.last_name, ada.version, counts["people"], counts["events"]) == ("v2", 2, 1, 2)


def test_a_rebuild_refuses_where_the_topic_no_longer_has_a_person_and_changes_nothing() -> None:
    commands.remember_people([person(2), person(5, user_id=new_id())])
    Principal.objects.filter(pk=ADA).update(last_name="spoilt")
    with pytest.raises(NotCovered, match="does not hold 1 of 2 people known here.*titan republish"):
        rebuild(reads(person(2)))
    assert Principal.objects.get(pk=ADA).last_name == "spoilt"


def test_a_rebuild_drops_what_nobody_knows_only_when_asked_to() -> None:
    commands.remember_memberships([member(3, "owner")])
    assert rebuild(reads(), drop_unknown=True)["dropped"] == 1
    assert not TeamMembership.objects.exists()


def test_a_rebuild_keeps_whoever_was_met_before_her_event_came() -> None:
    commands.meet_person({"sub": str(ADA), "email": "ada@example.org"})
    rebuild(reads())
    assert Principal.objects.filter(pk=ADA).exists()


def test_a_rebuild_has_what_came_while_it_read_the_topic() -> None:
    coming = [person(1), person(2)]

    def further(past: Past) -> None:
        past.hear([record_of(coming.pop(0))])

    rebuild(further)
    assert Principal.objects.get(pk=ADA).last_name == "v2"


@pytest.mark.django_db(transaction=True)
def test_readers_see_the_old_people_until_the_new_ones_are_whole() -> None:
    commands.remember_people([person(1)])
    seen = []

    def further(past: Past) -> None:
        other = connections.create_connection("default")
        with other.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
            cursor.execute("SELECT last_name FROM principal")
            seen.append(cursor.fetchall())
        other.close()
        past.hear([record_of(person(2))])

    rebuild(further)
    assert seen == [[("v1",)], [("v1",)]]
    assert Principal.objects.get().last_name == "v2"
