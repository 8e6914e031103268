"""The world of scheduler's tests, built through its commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import time
from uuid import UUID

import pytest
from django.test import AsyncClient
from joserfc import jwt
from joserfc.jwk import OKPKey

from event_bus.testing import deliver
from scheduler import commands
from scheduler.models import CalendarSource
from service_base.auth import ALGORITHM, AUDIENCE, COOKIE
from service_base.callers import Caller
from service_base.principals.models import Principal
from service_base.testing import TokenClient
from shared_models.events import identity
from shared_models.ids import new_id

FOMC = Path(__file__).parents[1] / "calendars" / "fomc_rate_changes.csv"
HEADER = "date,time,timezone,event_name,country,currency,importance,actual,forecast,previous,external_id\n"


@pytest.fixture
def person(db: None) -> Callable[..., Principal]:
    """Makes people as identity's events would: `person("ada")`, `person("olga", operator=True)`."""

    def make(name: str, *, operator: bool = False) -> Principal:
        user_id = new_id()
        deliver(
            identity.UserChanged(
                user_id=user_id,
                version=1,
                email=f"{name}@example.org",
                first_name=name.capitalize(),
                last_name="Example",
                is_active=True,
                is_staff=operator,
                is_superuser=False,
            )
        )
        return Principal.objects.get(pk=user_id)

    return make


@pytest.fixture
def caller(person: Callable[..., Principal]) -> Callable[..., Caller]:
    """Makes people who are calling."""
    return lambda name, **rights: Caller(person(name, **rights))


@pytest.fixture
def token_of(db: None) -> Callable[[Principal], str]:
    """Access tokens as identity signs them."""
    key = OKPKey.generate_key("Ed25519", {"kid": str(new_id())}, private=True)
    deliver(identity.SigningKeyPublished(kid=key.kid, jwk=key.as_dict(private=False), retired=False))

    def make(user: Principal) -> str:
        claims = {"sub": str(user.pk), "aud": AUDIENCE, "exp": int(time()) + 600}
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])

    return make


@pytest.fixture
def client_of(token_of: Callable[[Principal], str]) -> Callable[[Principal], AsyncClient]:
    """A client that sends a person's access token."""
    return lambda user: TokenClient(token_of(user))


@pytest.fixture
def browser_of(token_of: Callable[[Principal], str]) -> Callable[[Principal], AsyncClient]:
    """A browser in which a person is signed in."""

    def make(user: Principal) -> AsyncClient:
        browser = AsyncClient()
        browser.cookies[COOKIE] = token_of(user)
        return browser

    return make


@pytest.fixture
def source(db: None) -> CalendarSource:
    """A source of CSV files with New York's wall clock."""
    return commands.save_source(name="Desk", kind="csv", timezone="America/New_York", country="US")


@pytest.fixture
def fomc(db: None) -> CalendarSource:
    """The Federal Funds changes, imported."""
    made = commands.save_source(name="Federal Reserve", kind="csv")
    commands.import_calendar(source=made, content=FOMC.read_bytes())
    return made


def csv(*lines: str) -> bytes:
    """A calendar file with these lines below HEADER."""
    return (HEADER + "\n".join(lines) + "\n").encode()


def ident(value: object) -> UUID:
    """The UUID in `value`."""
    return UUID(str(value))
