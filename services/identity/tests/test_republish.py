"""Saying everything again: every present state under a new id, with the version it had."""

from __future__ import annotations

import pytest

from event_bus.models import OutboxEvent
from event_bus.testing import said
from identity import commands
from identity.commands import republish
from shared_models.clock import utc_now
from shared_models.events import identity

pytestmark = pytest.mark.django_db


@pytest.fixture
def everything(person, signing_key):
    """Two people in a team, and a key that was taken away."""
    ada, bob = person("ada"), person("bob")
    team = commands.create_team(owner=ada, name="Lab")
    commands.set_role(team=team, actor=ada, user=bob, role="viewer")
    key, _ = commands.create_api_key(user=ada, name="script", scopes=["ml:solve"])
    commands.revoke_api_key(user=ada, key_id=key.pk)


def states() -> dict[str, list[dict[str, object]]]:
    """What the outbox says of everything at last."""
    found = {}
    for contract in (identity.UserChanged, identity.TeamChanged, identity.TeamMemberChanged, identity.ApiKeyRevoked):
        latest = {}
        for event in said(contract):
            latest[event.key, str(getattr(event, "user_id", ""))] = event.model_dump(mode="json", exclude={"version"})
        found[contract.TYPE] = sorted(latest.values(), key=str)
    return found


def test_what_is_said_again_is_what_was_said_last(everything):
    before = states()
    OutboxEvent.objects.all().delete()
    counts = commands.republish()
    assert states() == before
    assert counts == {"people": 2, "teams": 1, "revoked keys": 1, "signing keys": 1}


def test_people_are_said_once_each_however_many_batches_it_takes(everything, monkeypatch):
    monkeypatch.setattr("identity.commands.saying_again.AT_ONCE", 1)
    OutboxEvent.objects.all().delete()
    commands.republish()
    assert len(said(identity.UserChanged)) == 2
    assert len({event.user_id for event in said(identity.UserChanged)}) == 2


def test_saying_again_changes_no_version(everything):
    versions = [event.version for event in said(identity.UserChanged)][-2:]
    OutboxEvent.objects.all().delete()
    republish()
    assert sorted(event.version for event in said(identity.UserChanged)) == sorted(versions)
    assert all(row.occurred_at <= utc_now() for row in OutboxEvent.objects.all())
