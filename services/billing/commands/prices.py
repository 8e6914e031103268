"""Prices: versions of one list, published once and never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction

from billing import publishes
from billing.commands.page import as_json, as_row
from billing.models import PriceList
from billing.rules.errors import PricesMissing
from billing.rules.pricing import Prices, must_be_a_price_list
from event_bus.outbox import append
from shared_models.clock import utc_now
from shared_models.money import plain

# One publisher at a time: versions follow each other and their events leave in that order.
_PRICES_LOCK = 7_003_001

# What a new installation starts with (ADR 0024); operators publish their own. A level costs less than in proportion to
# the compute it buys, because reading and encoding the table is the same for all.
FIRST = Prices(
    version=1,
    training_cell_eaml=Decimal("0.0001"),
    solving_line_eaml=Decimal("0.001"),
    level_factors={"1": Decimal(1), "2": Decimal(3), "3": Decimal(8), "4": Decimal(24), "5": Decimal(64)},
    usd_per_eaml=Decimal("0.1"),
    marketplace_fee_basis_points=1000,
)


@transaction.atomic
def publish_first_prices() -> PriceList:
    """The first price list of this installation, published by the first call; later calls change nothing."""
    _lock()
    newest = PriceList.objects.first()
    return newest or _publish(FIRST, by=None, at=utc_now())


@transaction.atomic
def publish_prices(
    *,
    training_cell_eaml: Decimal,
    solving_line_eaml: Decimal,
    level_factors: Mapping[str, Decimal],
    usd_per_eaml: Decimal,
    marketplace_fee_basis_points: int,
    by: UUID | None = None,
) -> PriceList:
    """Make the next version of the price list; quotes already given keep theirs. Raises AmountUnfit."""
    _lock()
    newest = PriceList.objects.first()
    prices = Prices(
        version=newest.version + 1 if newest else 1,
        training_cell_eaml=training_cell_eaml,
        solving_line_eaml=solving_line_eaml,
        level_factors=level_factors,
        usd_per_eaml=usd_per_eaml,
        marketplace_fee_basis_points=marketplace_fee_basis_points,
    )
    must_be_a_price_list(prices)
    return _publish(prices, by=by, at=utc_now())


def in_force(lists: Sequence[PriceList], moment: datetime) -> PriceList:
    """Of `lists`, newest first, the one in force at that moment; the first one for what happened before it.

    Raises PricesMissing when there is none at all.
    """
    if not lists:
        raise PricesMissing("No price list was published yet; billing's worker publishes the first at its start.")
    for one in lists:
        if one.effective_at <= moment:
            return one
    return lists[-1]


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PRICES_LOCK])


def _publish(prices: Prices, *, by: UUID | None, at: datetime) -> PriceList:
    row = PriceList(
        version=prices.version,
        training_cell_eaml=prices.training_cell_eaml,
        solving_line_eaml=prices.solving_line_eaml,
        level_factors={level: plain(factor) for level, factor in prices.level_factors.items()},
        usd_per_eaml=prices.usd_per_eaml,
        marketplace_fee_basis_points=prices.marketplace_fee_basis_points,
        effective_at=at,
        published_by=by,
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_publish_prices(%s::json)", [as_json(as_row(row))])
    append(publishes.prices_published(prices, at))
    return row
