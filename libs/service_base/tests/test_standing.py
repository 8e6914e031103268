"""What is remembered of a caller is proved by her standing."""

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import RequestFactory
from ninja.errors import AuthenticationError

from event_bus.testing import deliver
from service_base import auth, standing
from service_base.standing import RememberingBearer
from service_base.tests.test_auth import changed
from shared_models.events import identity
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)


def seen(user_id, kid="k1", key_hash=None):
    with connection.cursor() as cursor:
        cursor.execute("SELECT caller_standing(%s, %s, %s)", [user_id, kid, key_hash])
        return cursor.fetchone()[0]


@pytest.fixture
def person(key):
    user_id = new_id()
    deliver(changed(user_id, 1))
    return user_id


def test_a_standing_stays_while_nothing_changes(person):
    assert seen(person) == seen(person) is not None


@pytest.mark.parametrize("changes", [{"is_staff": True}, {"first_name": "Augusta"}])
def test_a_standing_changes_with_the_person(person, changes):
    before = seen(person)
    deliver(changed(person, 2, **changes))
    assert seen(person) not in (before, None)


def test_a_standing_changes_with_each_role_also_back_to_one_she_had(person):
    team, known = new_id(), [seen(person)]
    for version, role in enumerate(("member", "admin", "member"), start=1):
        deliver(identity.TeamMemberChanged(team_id=team, user_id=person, version=version, role=role))
        known.append(seen(person))
    assert len(set(known)) == 4


def test_nobody_has_a_standing_who_may_not_come_in(person):
    assert seen(person, kid="another") is None
    assert seen(person, kid=None, key_hash="unknown") is None
    deliver(changed(person, 2, is_active=False))
    assert seen(person) is None


def request(token, length="100"):
    return RequestFactory().post("/", CONTENT_LENGTH=length, headers={"authorization": f"Bearer {token}"})


def test_a_small_request_is_met_once_and_then_remembered(person, token_for, monkeypatch):
    bearer, token = RememberingBearer("x", largest=100), token_for(sub=str(person))
    first = async_to_sync(bearer.authenticate)(request(token), token)
    monkeypatch.setattr(standing, "_standing", None)
    assert async_to_sync(bearer.authenticate)(request(token), token) is first
    assert first.standing.seen == seen(person)


def test_a_large_request_is_never_answered_from_memory(person, token_for):
    bearer, token = RememberingBearer("x", largest=100), token_for(sub=str(person))
    async_to_sync(bearer.authenticate)(request(token), token)
    assert async_to_sync(bearer.authenticate)(request(token, "101"), token).standing is None


def test_a_request_with_a_key_is_never_answered_from_memory(person, token_for):
    bearer, token = RememberingBearer("x", largest=100), token_for(sub=str(person))
    async_to_sync(bearer.authenticate)(request(token), token)
    keyed = request(token)
    keyed.META["HTTP_IDEMPOTENCY_KEY"] = "one"
    assert async_to_sync(bearer.authenticate)(keyed, token).standing is None


def test_whoever_is_asked_for_again_is_read_anew(person, token_for):
    bearer, token = RememberingBearer("x", largest=100), token_for(sub=str(person))
    async_to_sync(bearer.authenticate)(request(token), token)
    deliver(changed(person, 2, is_active=False))
    assert async_to_sync(bearer.authenticate)(request(token), token) is not None
    with pytest.raises(AuthenticationError):
        async_to_sync(bearer.again)(request(token))
    assert async_to_sync(bearer.authenticate)(request(token), token) is None


def test_a_remembered_token_expires(person, token_for, monkeypatch):
    bearer, token = RememberingBearer("x", largest=100), token_for(sub=str(person))
    assert async_to_sync(bearer.authenticate)(request(token), token) is not None
    real = auth.time
    monkeypatch.setattr(auth, "time", lambda: real() + 3600)
    assert async_to_sync(bearer.authenticate)(request(token), token) is None


def test_memory_is_bounded(key, token_for, monkeypatch):
    monkeypatch.setattr(standing, "MOST_REMEMBERED", 2)
    bearer = RememberingBearer("x", largest=100)
    for _ in range(3):
        user_id = new_id()
        deliver(changed(user_id, 1))
        token = token_for(sub=str(user_id))
        async_to_sync(bearer.authenticate)(request(token), token)
    assert len(bearer._known) == 2
