"""Candles are inserted, corrected and loaded again, into rows and into compressed chunks alike."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.timescale.trading.markets import COARSER, minutes

from shared_models.operations import Tier
from trading import commands
from trading.models import Price

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "timeseries"])

BEGIN = datetime(2021, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def compress(tier, ask):
    """Compresses what there is, as the policy would; where nothing can be compressed the story is told without."""

    def go():
        if tier is Tier.COMMUNITY:
            ask("SELECT compress_chunk(chunk) FROM show_chunks('price') AS chunk")
            assert compressed(ask) > 0

    return go


def compressed(ask):
    ((count,),) = ask(
        "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'price' AND is_compressed"
    )
    return count


@pytest.mark.parametrize("is_compressed", [False, True])
def test_new_corrected_and_known_candles_are_told_apart(market, compress, is_compressed):
    loaded = minutes(BEGIN, 800)
    first = market.load(loaded[:700])
    assert (first.new, first.revised, first.unchanged) == (700, 0, 0)
    if is_compressed:
        compress()
    corrected = [one._replace(volume=one.volume + 1) for one in loaded[10:20]]
    again = market.load([*loaded[:10], *corrected, *loaded[20:]])
    assert (again.new, again.revised, again.unchanged) == (100, 10, 690)
    rows = Price.objects.order_by("timestamp").values_list("timestamp", "volume")
    assert list(rows) == [
        (one.opened_at, one.volume) for one in (market.stored[time] for time in sorted(market.stored))
    ]


def test_loading_the_same_again_changes_nothing(market, compress):
    loaded = minutes(BEGIN, 500)
    market.load(loaded)
    commands.refresh_candles()
    compress()
    kept = list(Price.objects.order_by("pk").values_list())
    assert market.load(loaded).unchanged == 500
    assert list(Price.objects.order_by("pk").values_list()) == kept


def test_compressed_candles_read_the_same(market, compress):
    market.load(minutes(BEGIN, 2_000))
    kept = list(Price.objects.order_by("pk").values_list())
    compress()
    assert list(Price.objects.order_by("pk").values_list()) == kept
    commands.refresh_candles()
    for timeframe in COARSER:
        assert market.read(timeframe) == market.expected(timeframe)


def test_a_correction_in_a_compressed_chunk_reaches_the_coarser_candles(market, compress):
    loaded = minutes(BEGIN, 1_000)
    market.load(loaded)
    commands.refresh_candles()
    compress()
    market.load([loaded[5]._replace(high=loaded[5].high + 1_000)])
    for timeframe in COARSER:
        assert market.read(timeframe) == market.expected(timeframe)
    commands.refresh_candles()
    for timeframe in COARSER:
        assert market.read(timeframe) == market.expected(timeframe)


def test_the_policy_compresses_chunks_past_a_year_and_no_younger_one(market, ask):
    if market.tier is not Tier.COMMUNITY:
        pytest.skip("only TimescaleDB's community edition compresses")
    # From midnight on, so that none of the two lies in two chunks.
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    market.load(minutes(today - timedelta(days=900), 50) + minutes(today - timedelta(days=2), 50, missing=0))
    (job,) = ask("SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression'")
    # No background workers run in WebAssembly: what they would call is called here.
    ask("CALL run_job(%s)", job[0])
    found = ask(
        "SELECT is_compressed FROM timescaledb_information.chunks WHERE hypertable_name = 'price' ORDER BY range_start"
    )
    assert [one for (one,) in found] == [True] * (len(found) - 1) + [False]
    assert len(found) >= 2
