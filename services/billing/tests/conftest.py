"""The world of billing's tests: people with money, machines, work; all of it made through commands and events."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from time import time
from typing import Any

import pytest
from django.db import connection
from django.db.backends.signals import connection_created
from django.test import Client
from joserfc import jwt
from joserfc.jwk import OKPKey
from psycopg.pq import TransactionStatus

from billing import commands
from billing.tests.moving import BEER, WINE, use
from billing.tests.world import Person, World
from event_bus import registry
from event_bus.testing import deliver
from service_base.auth import ALGORITHM, AUDIENCE, COOKIE
from shared_models.events import identity

# Later than the first price list, which is in force from the moment a test makes it.
SOME_NOON = datetime(2031, 3, 3, 12, 0, tzinfo=UTC)
_KEY = OKPKey.generate_key("Ed25519")


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of our marker."""
    config.addinivalue_line("markers", "owner: runs with the rights of the ledger's owner, not the application's")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Tests run with the rights of the application, so that none passes by the owner's; `owner` marks the others."""
    has_database = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    if not has_database or item.get_closest_marker("owner"):
        return (yield)
    connection_created.connect(_become_application)
    _become_application(connection=connection)
    try:
        return (yield)
    finally:
        connection_created.disconnect(_become_application)
        session = connection.connection
        # In a failed transaction nothing can be said; rolling it back takes the role back too.
        if session is not None and session.info.transaction_status != TransactionStatus.INERROR:
            connection.cursor().execute("RESET ROLE")


def _become_application(connection: Any, **_: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', session_user || '_app', false)")


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
def busy(world: World, ana: Person) -> Person:
    """Somebody with a top-up, 30 solvings on two machines, and some tokens bought in between."""
    for place in range(30):
        use(world, ana, lines=1000 + place, machine=BEER if place % 3 else WINE)
        if place == 14:
            commands.buy_tokens(owner=ana.id, key="once", amount_usd="0.001", now=world.now)
    return ana


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
