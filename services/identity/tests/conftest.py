"""The world of identity's tests, built through its commands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import AsyncClient, RequestFactory

from identity import commands
from identity.models import User
from service_base.testing import TokenClient
from shared_models.clock import utc_now

PASSWORD = "a long enough sentence"


@pytest.fixture(autouse=True)
def quick_hashes(settings: pytest.FixtureRequest) -> None:
    """Argon2 at full strength takes a quarter of a second a hash; one test uses it, the others need not."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]


@pytest.fixture
def signing_key(db: None) -> None:
    """Identity can sign tokens."""
    commands.rotate_signing_key(signs_from=utc_now())


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    """Makes people: `person("ada")`."""

    def make(name: str) -> User:
        return commands.register(
            email=f"{name}@example.org", password=PASSWORD, first_name=name.capitalize(), last_name="Example"
        )

    return make


@pytest.fixture
def tokens_of(signing_key: None) -> Callable[[User], commands.SessionTokens]:
    """Signs a person in."""

    def sign_in(user: User) -> commands.SessionTokens:
        return commands.sign_in(request=RequestFactory().post("/"), email=user.email or "", password=PASSWORD)

    return sign_in


@pytest.fixture
def client_of(tokens_of: Callable[[User], commands.SessionTokens]) -> Callable[[User], AsyncClient]:
    """A client that sends a person's access token."""

    def make(user: User) -> AsyncClient:
        return TokenClient(tokens_of(user).access)

    return make
