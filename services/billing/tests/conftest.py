"""The world of billing's tests: people with money, machines, work; all of it made through commands and events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing import commands
from billing.tests.world import Person, World, wipe
from event_bus import registry

registry.load()

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def world(db: None) -> World:
    """A platform with the first price list, at noon of a Monday."""
    commands.publish_first_prices()
    return World(NOON + timedelta(days=365 * 5))


@pytest.fixture
def ana(world: World) -> Person:
    """Somebody with 100 USD."""
    return world.person(usd="100")


@pytest.fixture
def broke(world: World) -> Person:
    """Somebody without money."""
    return world.person()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[World]:
    """A world whose transactions really commit, for tests with several connections; removed afterwards."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        commands.publish_first_prices()
        try:
            yield World(NOON + timedelta(days=365 * 5))
        finally:
            wipe()


def eaml(amount: str) -> Decimal:
    """An amount, for short."""
    return Decimal(amount)
