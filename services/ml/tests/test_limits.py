"""How fast one may ask: the bucket, what it says when it is empty, and that nobody is held up without Valkey."""

import json

import pytest
from asgiref.sync import sync_to_async

from event_bus.testing import said
from ml import limits
from ml.tests.world import ROW
from service_base.errors import TooFast
from shared_models.events import ml
from shared_models.ids import new_id


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A Valkey that a busy machine makes slow is no Valkey that is away."""
    from redis import Redis

    from service_base.env import env

    valkey = Redis.from_url(env().valkey_url, socket_timeout=30)
    monkeypatch.setattr(limits, "_valkey", lambda: valkey)
    monkeypatch.setattr(limits, "_away_until", 0.0)
    monkeypatch.setattr(limits, "DRAWN_SECONDS", 60.0)
    yield
    valkey.close()


def ask(whose, lines=1):
    limits.must_not_hurry(*whose, lines)


def test_a_burst_is_answered_and_then_one_has_to_wait(monkeypatch):
    whose = (new_id(), new_id())
    with pytest.raises(TooFast) as refused:
        for _ in range(40):
            ask(whose, 10_000)
    assert refused.value.facts["retry_after"] == 1


def test_the_limit_is_each_persons_and_each_machines(monkeypatch):
    monkeypatch.setattr(limits, "rate", lambda: 1)
    ada, eve, one, other = (new_id() for _ in range(4))
    ask((ada, one), 500)
    with pytest.raises(TooFast):
        ask((ada, one), 500)
    ask((eve, one), 500)
    ask((ada, other), 500)


def test_most_requests_ask_valkey_nothing(monkeypatch):
    asked = []
    take = limits._take
    monkeypatch.setattr(limits, "_take", lambda *given: asked.append(given) or take(*given))
    whose = (new_id(), new_id())
    for _ in range(limits.DRAWN):
        ask(whose)
    assert len(asked) == 1


def test_without_valkey_nobody_is_held_up(monkeypatch):
    from redis import Redis

    monkeypatch.setattr(limits, "_valkey", lambda: Redis(port=1, socket_connect_timeout=0.2))
    monkeypatch.setattr(limits, "_away_until", 0.0)
    whose = (new_id(), new_id())
    for _ in range(100):
        ask(whose, 10_000)


@pytest.mark.django_db(transaction=True)
async def test_too_fast_is_a_429_that_says_when_to_come_back_and_charges_nothing(trained, hers, monkeypatch):
    # She has asked once, so that the model is in memory and the second request comes right after the first.
    monkeypatch.setattr(limits, "rate", lambda: 1)
    limits._drawn.clear()
    path = f"/api/v1/machines/{trained.pk}/solve"
    for status in (200, 429):
        body = json.dumps({"rows": [ROW] * 500})
        answer = await hers.post(path, body, content_type="application/json", headers={"idempotency-key": str(status)})
        assert answer.status_code == status
    assert 1 <= int(answer["Retry-After"]) <= 5
    assert answer.json()["type"].rsplit("/", 1)[1] == "too-fast"
    assert len(await sync_to_async(said)(ml.SolvingCompleted)) == 2


@pytest.mark.django_db(transaction=True)
async def test_whoever_was_told_to_come_back_may_with_the_same_key(trained, ada, api, monkeypatch):
    monkeypatch.setattr(limits, "_take", lambda whose, need: -400)
    client = await sync_to_async(api)(ada)
    path, body = f"/api/v1/machines/{trained.pk}/solve", json.dumps({"rows": [ROW]})
    headers = {"idempotency-key": "one"}
    refused = await client.post(path, body, content_type="application/json", headers=headers)
    monkeypatch.setattr(limits, "_take", lambda whose, need: need)
    answered = await client.post(path, body, content_type="application/json", headers=headers)
    assert (refused.status_code, answered.status_code) == (429, 200)
