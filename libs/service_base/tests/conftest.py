"""A signing key, and tokens made with it, as identity would make them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from time import time
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from joserfc import jwt
from joserfc.jwk import OKPKey

from event_bus.testing import deliver
from service_base import addresses, auth, reading
from service_base.env import env
from service_base.handler import ByPath
from service_base.tests.serving import Asking
from shared_models.events import identity
from shared_models.ids import new_id


@pytest.fixture(autouse=True)
def forget_tokens() -> None:
    auth._known.clear()


@pytest.fixture(autouse=True)
def probe_has_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe is no service of TITAN's, so it has no port of its own."""
    monkeypatch.setattr(addresses, "SERVICES", (*addresses.SERVICES, "service_base.tests.probe"))


@pytest.fixture
def key(db: None) -> OKPKey:
    """A key that identity has published."""
    made = OKPKey.generate_key("Ed25519")
    deliver(identity.SigningKeyPublished(kid="k1", jwk=dict(made.as_dict(private=False))))
    return made


@pytest.fixture
def token_for(key: OKPKey) -> Callable[..., str]:
    """Signs a token; keyword arguments change its claims."""

    def sign(**changes: Any) -> str:
        claims = {
            "sub": str(new_id()),
            "aud": auth.AUDIENCE,
            "exp": int(time()) + 600,
            "first_name": "Ada",
            "teams": {},
        }
        return jwt.encode({"alg": auth.ALGORITHM, "kid": "k1"}, claims | changes, key, algorithms=[auth.ALGORITHM])

    return sign


@pytest.fixture
async def on_the_loop(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """As in a web process: reads and writes on the event loop's own connections."""
    monkeypatch.setattr(env(), "web_threads", 8)
    yield
    for kept in reading._opened.pop(asyncio.get_running_loop(), {}).values():
        kept.close()


@pytest.fixture
def ask(application: ByPath) -> Asking:
    """Somebody unknown, who asks the application that a test's file makes."""
    return Asking(application)


@pytest.fixture
async def hers(application: ByPath, token_for: Callable[..., str]) -> Asking:
    """The same for somebody who is signed in."""
    return Asking(application, {"authorization": f"Bearer {await sync_to_async(token_for)()}"})
