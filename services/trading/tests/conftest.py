"""The people, markets and bots that trading's tests begin with; all of them made by commands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from event_bus import registry


@pytest.fixture(autouse=True)
def _event_map() -> None:
    registry.load()


@pytest.fixture
def person() -> Callable[[], Any]:
    """Makes a person."""
    from service_base.principals.models import Principal

    def make() -> Any:
        return Principal.objects.create(id=uuid4(), email=f"{uuid4().hex[:8]}@example.org", first_name="Ada")

    return make


@pytest.fixture
def ada(person: Callable[[], Any]) -> Any:
    return person()


@pytest.fixture
def market(ada: Any) -> Callable[..., Any]:
    """Makes a symbol of Ada's with candles."""
    from trading import commands
    from trading.pricefiles import PriceSeries
    from trading.rules.candles import Timeframe, timeframe_of
    from trading.tests.stories import wandering

    def make(candles: list[Any] | None = None, *, ticker: str = "ACME", owner: Any = None) -> Any:
        owner = owner or ada
        found = candles if candles is not None else wandering(150)
        symbol = commands.create_symbol(
            owner_id=owner.pk, exchange="NASDAQ", ticker=ticker, asset_type="CRYPTO", quote="USD"
        )
        if found:
            timeframe = timeframe_of(found) or Timeframe.H1
            commands.ingest(
                symbol_id=symbol.pk, by=owner.pk, series=PriceSeries(ticker, found), timeframe=timeframe, source="test"
            )
        symbol.refresh_from_db()
        return symbol

    return make


@pytest.fixture
def bot(ada: Any, market: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a bot of Ada's that trades momentum on hourly candles."""
    from trading import commands

    def make(**fields: Any) -> Any:
        symbol = fields.pop("symbol", None) or market()
        settings = {"parameters": {"fast": 3, "slow": 8, "quantity": "2"}, "timeframe": "1h", "max_daily_trades": 50}
        settings |= {"fee_rate": Decimal("0.001"), "name": f"bot {uuid4().hex[:6]}", "strategy": "momentum"}
        return commands.create_bot(user_id=ada.pk, symbol_id=symbol.pk, **(settings | fields))

    return make


@pytest.fixture
def drive() -> Callable[..., list[UUID]]:
    """Claims what is open and drives it to its end, as an engine's threads would; gives the runs told to dashboards."""
    from trading import commands
    from trading.engine.driver import drive as drive_lease

    def go(*, cancel: threading.Event | None = None) -> list[UUID]:
        told: list[UUID] = []
        for lease in commands.claim(owner="test", limit=10):
            drive_lease(lease, cancel=cancel or threading.Event(), notify=told.append)
            commands.release(lease=lease)
        return told

    return go


@pytest.fixture(scope="session")
def signing_pair() -> Any:
    """A key pair such as identity signs tokens with."""
    from joserfc.jwk import OKPKey

    return OKPKey.generate_key("Ed25519")


@pytest.fixture
def token_of(signing_pair: Any) -> Callable[[Any], str]:
    """Signs an access token, as identity would, with a key that identity published."""
    from time import time

    from joserfc import jwt

    from service_base.auth import ALGORITHM
    from service_base.principals.models import PublicKey

    def sign(user: Any) -> str:
        PublicKey.objects.get_or_create(kid="test", defaults={"jwk": signing_pair.as_dict(private=False)})
        claims = {"sub": str(user.pk), "aud": "titan", "exp": int(time()) + 600, "email": user.email, "teams": {}}
        return jwt.encode({"alg": ALGORITHM, "kid": "test"}, claims, signing_pair, algorithms=[ALGORITHM])

    return sign


@pytest.fixture
def api(token_of: Callable[[Any], str]) -> Callable[[Any], Any]:
    """A client that calls the API as a person."""
    from service_base.testing import TokenClient

    return lambda user: TokenClient(token_of(user))


@pytest.fixture
def browser(token_of: Callable[[Any], str]) -> Callable[[Any], Any]:
    """A client with a person's cookie, as a browser has it."""
    from django.test import AsyncClient

    def open_(user: Any) -> AsyncClient:
        client = AsyncClient()
        client.cookies["titan_access"] = token_of(user)
        return client

    return open_


@pytest.fixture
def exchanges() -> None:
    """The exchanges that the migrations put there; a test that empties the tables between tests loses them."""
    from importlib import import_module

    from django.apps import apps

    import_module("trading.migrations.0004_exchanges").add(apps, None)
