"""The person whose symbols the stories are about."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from tests.timescale.trading.markets import Market

from shared_models.operations import Tier


@pytest.fixture
def markets(tier: Tier) -> Callable[[], Market]:
    """Makes symbols of one person, each without candles yet."""
    from service_base.principals.models import Principal
    from trading import commands
    from trading.models import Exchange

    ada = Principal.objects.create(id=uuid4(), email="ada@example.org", first_name="Ada")
    Exchange.objects.get_or_create(name="NASDAQ", defaults={"kind": "stock"})

    def make() -> Market:
        ticker = uuid4().hex[:8].upper()
        return Market(
            tier,
            commands.create_symbol(owner_id=ada.pk, exchange="NASDAQ", ticker=ticker, asset_type="CRYPTO", quote="USD"),
        )

    return make


@pytest.fixture
def market(markets: Callable[[], Market]) -> Market:
    return markets()
