"""No strategy on offer looks ahead, and the detector finds one that does."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from trading.rules.book import Book
from trading.rules.candles import Candle, Timeframe
from trading.rules.engine import Engine
from trading.rules.features import rows
from trading.rules.lookahead import find_lookahead
from trading.rules.orders import Intent, Order
from trading.rules.strategies import Context, Strategy, build, strategy_named
from trading.rules.strategies.base import Parameters
from trading.rules.strategies.ml_signal import KnownSignals, MlSignal
from trading.tests.stories import RUN, Scripted, buy, sell, wandering

CANDLES = wandering(300)
CUTS = range(65, 300, 9)


def decisions(strategy: Strategy[Any], candles: Sequence[Candle]) -> list[Order]:
    engine = Engine(run_id=RUN, strategy=strategy, timeframe=Timeframe.H1, book=Book(cash=Decimal(10_000)))
    for candle in candles:
        engine.step(candle)
    return list(engine.drain().orders.values())


class Clairvoyant(Scripted):
    """Buys when the next close is higher, which it may not know."""

    def __init__(self, candles: Sequence[Candle]) -> None:
        super().__init__({})
        self.all = candles

    def on_candle(self, context: Context) -> Intent | None:
        if context.index + 1 >= len(self.all):
            return None
        is_rising = self.all[context.index + 1].close > context.candle.close
        return buy("1") if is_rising and not context.quantity else sell() if not is_rising else None


def asked(candles: Sequence[Candle]) -> MlSignal:
    """Signals made of the feature rows, which are computed from the history that is there."""
    known: dict[int, float | None] = {candle.time: None for candle in candles}
    known |= {row.time: row.named()["rsi_14"] / 100 for row in rows(candles)}
    strategy = build(strategy_named("ml_signal"), {"enter_above": 0.55, "exit_below": 0.5, "quantity": "1"})
    assert isinstance(strategy, MlSignal)
    strategy.signals = KnownSignals(known)
    return strategy


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("momentum", {"quantity": "1"}), ("momentum", {"quantity": "1", "rsi_ceiling": 60}), ("dca", {})],
)
def test_strategies_decide_the_same_without_the_future(name: str, parameters: dict[str, Any]) -> None:
    kind = strategy_named(name)
    assert decisions(build(kind, parameters), CANDLES)
    assert find_lookahead(CANDLES, lambda seen: decisions(build(kind, parameters), seen), CUTS) is None


def test_feature_rows_know_nothing_of_the_future() -> None:
    assert decisions(asked(CANDLES), CANDLES)
    assert find_lookahead(CANDLES, lambda seen: decisions(asked(seen), seen), CUTS) is None


def test_a_strategy_that_peeks_is_found() -> None:
    leak = find_lookahead(CANDLES, lambda seen: decisions(Clairvoyant(seen), seen), CUTS)
    assert leak is not None


def test_parameters_base_accepts_nothing_unknown() -> None:
    with pytest.raises(ValueError, match="extra"):
        Parameters.model_validate({"colour": "red"})
