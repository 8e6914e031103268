"""Streaming and batch indicators agree, and a trimmed or restored one continues exactly."""

import json
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest
from talipp.indicators import EMA, RSI, SMA

from trading.rules.features import COLUMNS, WINDOW, FeatureWindow, row_of, rows, training_rows
from trading.rules.indicators import StreamingRsi
from trading.rules.ta_lib import talib
from trading.tests.stories import wandering

CLOSES = [float(candle.close) for candle in wandering(2000)]


@pytest.mark.parametrize(
    ("batch", "stream"),
    [
        (talib.SMA(np.array(CLOSES), 20), SMA(20, CLOSES)),
        (talib.EMA(np.array(CLOSES), 20), EMA(20, CLOSES)),
        (talib.RSI(np.array(CLOSES), 14), RSI(14, CLOSES)),
    ],
    ids=["sma", "ema", "rsi"],
)
def test_talib_in_batch_and_talipp_in_stream_agree(batch, stream):
    known = [(b, s) for b, s in zip(batch, stream, strict=True) if s is not None]
    assert len(known) > 1900
    assert max(abs(b - s) for b, s in known) < 1e-9


def test_the_trimmed_rsi_equals_the_one_that_kept_everything():
    whole, trimmed = RSI(14, CLOSES), StreamingRsi(14)
    seen = []
    for close in CLOSES:
        trimmed.add(close)
        seen.append(trimmed.value)
    assert seen == list(whole)


@pytest.mark.parametrize("cut", [1, 5, 13, 14, 15, 16, 17, 300])
def test_an_rsi_restored_from_json_continues_bit_for_bit(cut):
    straight, first = StreamingRsi(14), StreamingRsi(14)
    for close in CLOSES[:cut]:
        straight.add(close)
        first.add(close)
    restored = StreamingRsi(14)
    restored.recall(json.loads(json.dumps(first.memory())))
    for close in CLOSES[cut : cut + 200]:
        straight.add(close)
        restored.add(close)
        assert restored.value == straight.value


def test_feature_rows_in_batch_and_in_stream_are_equal_bit_for_bit():
    candles = wandering(200)
    window = FeatureWindow()
    streamed = [row for row in map(window.add, candles) if row is not None]
    assert streamed == list(rows(candles))
    assert streamed[-1] == row_of(candles[-WINDOW:])
    assert len(streamed) == 200 - WINDOW + 1


def test_a_feature_row_has_a_finite_value_for_every_column():
    (row, _following), *_ = training_rows(wandering(100))
    assert len(row.values) == len(COLUMNS)
    assert np.isfinite(row.values).all()


def test_what_followed_is_the_move_between_the_two_opens_after_the_row():
    candles = wandering(100)
    row, following = next(iter(training_rows(candles)))
    position = [candle.time for candle in candles].index(row.time)
    entered, left = candles[position + 1].open, candles[position + 2].open
    assert following == float(Decimal(left) / entered - 1)


def test_what_computes_feature_rows_loads_no_pandas():
    code = "import sys, trading.rules.feature_values; print('pandas' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60).strip() == "False"
