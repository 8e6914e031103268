"""The world of billing's tests: people with money, machines, work; all of it made through commands and events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import time
from typing import Any

import pytest
from django.test import Client
from joserfc import jwt
from joserfc.jwk import OKPKey

from billing import commands
from billing.tests.world import Person, World
from event_bus import registry
from event_bus.testing import deliver
from service_base.auth import ALGORITHM, AUDIENCE, COOKIE
from shared_models.events import identity

# Later than the first price list, which is in force from the moment a test makes it.
SOME_NOON = datetime(2031, 3, 3, 12, 0, tzinfo=UTC)
_KEY = OKPKey.generate_key("Ed25519")


@pytest.fixture(autouse=True)
def event_map() -> None:
    """What a process of the service knows once it has started."""
    registry.load()


@pytest.fixture
def world(db: None) -> World:
    """A platform with the first price list, at noon of some day."""
    commands.publish_first_prices()
    return World(SOME_NOON)


@pytest.fixture
def ana(world: World) -> Person:
    """Somebody with 100 USD."""
    return world.person(usd="100")


@pytest.fixture
def broke(world: World) -> Person:
    """Somebody without money."""
    return world.person()


@pytest.fixture
def token_of(world: World) -> Callable[..., str]:
    """Signs an access token as identity would."""
    deliver(identity.SigningKeyPublished(kid="test", jwk=_KEY.as_dict(private=False)))

    def sign(person: Person, **claims: Any) -> str:
        facts = {"sub": str(person.id), "aud": AUDIENCE, "exp": int(time()) + 600, "first_name": "Ana", "teams": {}}
        return jwt.encode({"alg": ALGORITHM, "kid": "test"}, facts | claims, _KEY, algorithms=[ALGORITHM])

    return sign


@pytest.fixture
def api(token_of: Callable[..., str]) -> Callable[..., Client]:
    """A client that calls the API as a person; `staff=True` makes her an operator."""
    # The plain client, not the asynchronous one: its views run on the test's own connection, inside its transaction.
    return lambda person, **claims: Client(headers={"authorization": f"Bearer {token_of(person, **claims)}"})


@pytest.fixture
def browser(token_of: Callable[..., str]) -> Callable[..., Client]:
    """A browser in which a person is signed in."""

    def make(person: Person, **claims: Any) -> Client:
        client = Client()
        client.cookies[COOKIE] = token_of(person, **claims)
        return client

    return make
