"""Tokens are checked here, people are met just in time, revocations count at once."""

from datetime import timedelta
from time import time
from uuid import UUID

import httpx
import pytest
from asgiref.sync import async_to_sync

from event_bus.testing import deliver
from service_base import auth
from service_base.errors import Unavailable
from service_base.principals import source
from service_base.principals.models import ApiKeyGrant, Principal, TeamMembership
from shared_models.clock import utc_now
from shared_models.events import identity
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db
caller_of = async_to_sync(auth.caller_of)


def changed(user_id, version, **changes):
    state = {"email": "ada@example.org", "first_name": "Ada", "last_name": "Example", "is_active": True}
    rights = {"is_staff": False, "is_superuser": False}
    return identity.UserChanged(user_id=user_id, version=version, **(state | rights | changes))


def test_somebody_unheard_of_is_met_just_in_time(token_for):
    user_id = new_id()
    assert caller_of(token_for(sub=str(user_id))).id == user_id
    assert Principal.objects.get(pk=user_id).first_name == "Ada"


def test_a_deactivated_person_is_nobody_even_with_a_valid_token(token_for):
    user_id = new_id()
    token = token_for(sub=str(user_id))
    deliver(changed(user_id, 2, is_active=False))
    assert caller_of(token) is None


@pytest.mark.parametrize("claims", [{"exp": 1}, {"aud": "another"}])
def test_an_expired_or_foreign_token_is_nobody(token_for, claims):
    assert caller_of(token_for(**claims)) is None


def test_a_remembered_token_still_expires(token_for, monkeypatch):
    token = token_for(exp=int(time()) + 5)
    assert caller_of(token) is not None
    monkeypatch.setattr(auth, "time", lambda: time() + 60)
    assert caller_of(token) is None


def test_a_token_under_a_retired_key_is_nobody(token_for, key):
    token = token_for()
    deliver(identity.SigningKeyPublished(kid="k1", jwk=dict(key.as_dict(private=False)), retired=True))
    assert caller_of(token) is None


def test_a_known_token_under_a_key_retired_since_is_nobody(token_for, key):
    token = token_for()
    assert caller_of(token) is not None
    deliver(identity.SigningKeyPublished(kid="k1", jwk=dict(key.as_dict(private=False)), retired=True))
    assert caller_of(token) is None


def test_a_role_given_since_the_token_was_signed_counts_at_once(token_for):
    kept, raised, user = new_id(), new_id(), new_id()
    deliver(changed(user, 1))
    deliver(identity.TeamMemberChanged(team_id=raised, user_id=user, version=1, role="admin"))
    token = token_for(sub=str(user), teams={str(kept): "viewer", str(raised): "member"})
    assert caller_of(token).teams == {kept: "viewer", raised: "admin"}


def test_an_older_version_of_a_person_never_overwrites_a_newer_one():
    user_id = new_id()
    deliver(changed(user_id, 3, first_name="New"))
    deliver(changed(user_id, 2, first_name="Old"))
    assert Principal.objects.get(pk=user_id).first_name == "New"


def test_leaving_a_team_takes_the_role_away_and_joining_late_does_not_bring_it_back(token_for):
    team, user = new_id(), new_id()
    deliver(changed(user, 1))
    deliver(identity.TeamMemberChanged(team_id=team, user_id=user, version=5, role=None))
    deliver(identity.TeamMemberChanged(team_id=team, user_id=user, version=4, role="owner"))
    assert caller_of(token_for(sub=str(user), teams={str(team): "owner"})).teams == {}
    assert TeamMembership.objects.get().version == 5


@pytest.fixture
def identity_says(monkeypatch):
    """Identity's answer to a key check, and how often it was asked."""
    asked = []

    def answer(status, body):
        def post(url, **kwargs):
            asked.append(url)
            return httpx.Response(status, json=body, request=httpx.Request("POST", url))

        monkeypatch.setattr(source.httpx, "post", post)
        return asked

    return answer


def test_an_api_key_is_asked_for_once_a_minute(identity_says):
    user_id, key_id = new_id(), new_id()
    body = {"key_id": str(key_id), "scopes": ["ml:solve"], "claims": {"sub": str(user_id)}}
    asked = identity_says(200, body)
    for _ in range(3):
        caller = caller_of("tk_something")
    assert (caller.id, caller.scopes, len(asked)) == (user_id, frozenset({"ml:solve"}), 1)
    ApiKeyGrant.objects.update(checked_at=utc_now() - timedelta(minutes=2))
    caller_of("tk_something")
    assert len(asked) == 2


def test_a_revoked_key_opens_nothing_although_its_check_was_remembered(identity_says):
    user_id, key_id = new_id(), new_id()
    identity_says(200, {"key_id": str(key_id), "scopes": [], "claims": {"sub": str(user_id)}})
    assert caller_of("tk_something") is not None
    deliver(identity.ApiKeyRevoked(key_id=key_id, user_id=user_id, revoked_at=utc_now()))
    assert caller_of("tk_something") is None


def test_a_key_identity_does_not_know_is_nobody(identity_says):
    identity_says(404, {})
    assert caller_of("tk_something") is None


def test_identity_being_away_is_said_and_not_taken_for_a_wrong_key(monkeypatch):
    def away(*args, **kwargs):
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(source.httpx, "post", away)
    with pytest.raises(Unavailable):
        caller_of("tk_something")


def test_a_wrong_subject_never_reaches_the_database_as_text(token_for):
    with pytest.raises(ValueError, match="UUID"):
        UUID("x' OR 1=1")
    assert caller_of("x.y.z") is None
