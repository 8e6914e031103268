"""Signing in, tokens, and what happens to stolen or forged ones."""

import warnings
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import RequestFactory
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OctKey

from identity import commands, tokens
from identity.commands.sessions import REUSE_GRACE, SessionEnded, WrongCredentials
from identity.models import Session, SigningKey
from service_base import auth
from service_base.errors import TooFast
from shared_models.clock import utc_now

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forget_tokens():
    auth._known.clear()


caller_of = async_to_sync(auth.caller_of)


def claims_in(access):
    """What a token of ours says."""
    return async_to_sync(auth.token_in)(access).claims


def age(session_id):
    """Make a session's last use older than the grace two tabs have."""
    Session.objects.filter(pk=session_id).update(updated_at=utc_now() - REUSE_GRACE * 2)


def test_a_signed_in_person_is_recognised_by_her_token(person, tokens_of):
    user = person("ada")
    assert caller_of(tokens_of(user).access).user == user


def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(person, signing_key):
    person("ada")
    answers = []
    for email in ("ada@example.org", "nobody@example.org"):
        with pytest.raises(WrongCredentials) as refused:
            commands.sign_in(request=RequestFactory().post("/"), email=email, password="wrong password")
        answers.append(refused.value.detail)
    assert answers[0] == answers[1]


def test_after_five_wrong_passwords_this_address_has_to_wait_but_another_gets_in(person, signing_key):
    user = person("ada")
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            commands.sign_in(request=RequestFactory().post("/"), email=user.email, password="wrong password")
    with pytest.raises(TooFast):
        commands.sign_in(request=RequestFactory().post("/"), email=user.email, password="a long enough sentence")
    elsewhere = RequestFactory().post("/", REMOTE_ADDR="10.1.2.3")
    assert commands.sign_in(request=elsewhere, email=user.email, password="a long enough sentence").access


def test_a_refresh_token_works_once(person, tokens_of):
    opened = tokens_of(person("ada"))
    renewed = commands.refresh(refresh_token=opened.refresh)
    assert renewed.refresh != opened.refresh
    with pytest.raises(SessionEnded):
        commands.refresh(refresh_token=opened.refresh)


def test_a_replayed_refresh_token_ends_the_whole_session(person, tokens_of):
    opened = tokens_of(person("ada"))
    renewed = commands.refresh(refresh_token=opened.refresh)
    age(opened.session.pk)
    with pytest.raises(SessionEnded):
        commands.refresh(refresh_token=opened.refresh)
    with pytest.raises(SessionEnded):
        commands.refresh(refresh_token=renewed.refresh)


def test_a_token_of_an_ended_session_opens_nothing_here(person, tokens_of):
    user = person("ada")
    opened = tokens_of(user)
    commands.end_session(user=user, session_id=opened.session.pk)
    assert caller_of(opened.access) is None


def forged(person, tokens_of, **changes):
    """A token like a real one but for its claims, signed with the real key."""
    opened = tokens_of(person("ada"))
    key = SigningKey.objects.get()
    claims = claims_in(opened.access) | changes
    private = tokens.OKPKey.import_key(tokens.json.loads(tokens._seal().decrypt(bytes(key.private_sealed))))
    return jwt.encode({"alg": "Ed25519", "kid": key.kid}, claims, private, algorithms=["Ed25519"])


def test_an_expired_token_opens_nothing(person, tokens_of):
    past = int((utc_now() - timedelta(minutes=1)).timestamp())
    assert caller_of(forged(person, tokens_of, exp=past)) is None


def test_a_token_for_another_audience_opens_nothing(person, tokens_of):
    assert caller_of(forged(person, tokens_of, aud="somebody-else")) is None


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_the_token_itself_does_not_choose_the_algorithm(person, tokens_of, algorithm):
    opened = tokens_of(person("ada"))
    claims = claims_in(opened.access)
    key = SigningKey.objects.get()
    secret = OctKey.import_key(key.public_jwk["x"] * 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        token = jwt.encode({"alg": algorithm, "kid": key.kid}, claims, secret, algorithms=[algorithm])
    assert caller_of(token) is None


@pytest.mark.parametrize("nonsense", ["", "x", "a.b.c", "tk_x_y", "tk_" + "0" * 32 + "_" + "a" * 51])
def test_nonsense_is_nobody(db, nonsense):
    assert not nonsense or caller_of(nonsense) is None


def test_two_rotations_at_once_make_one_key(db):
    commands.rotate_signing_key(signs_from=utc_now())
    commands.rotate_signing_key(signs_from=utc_now())
    assert SigningKey.objects.count() == 1


def test_a_new_key_is_published_before_it_signs(db):
    commands.rotate_signing_key(signs_from=utc_now() - timedelta(days=31))
    commands.keep_signing_keys()
    newest = SigningKey.objects.order_by("-signs_from").first()
    assert newest.signs_from > utc_now() + timedelta(minutes=5)
    assert newest.retired_at is None


def test_the_audit_trail_cannot_be_changed_even_by_the_applications_role(person):
    person("ada")
    with pytest.raises(Exception, match="only grows"), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_entry SET action = 'nothing'")


def test_the_audit_chain_is_unbroken(person, tokens_of):
    tokens_of(person("ada"))
    count, wrong = commands.verify_chain()
    assert count >= 2
    assert wrong is None


def test_the_audit_chain_shows_a_changed_row(person):
    person("ada")
    person("bea")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE audit_entry SET action = 'user.promoted' WHERE id = (SELECT min(id) FROM audit_entry)")
    assert "was changed" in commands.verify_chain()[1]
