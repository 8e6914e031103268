"""Momentum: long while the fast average of closes is above the slow one."""

from collections import deque
from decimal import Decimal
from typing import Any, Self

from pydantic import Field, model_validator

from trading.rules.indicators import StreamingRsi
from trading.rules.market import NOTHING, Side, plain
from trading.rules.orders import Intent
from trading.rules.strategies.base import Context, Sized, Strategy


class MomentumParameters(Sized):
    fast: int = Field(default=10, ge=1, le=1000, title="Fast average", description="Closes in the fast average.")
    slow: int = Field(default=20, ge=2, le=5000, title="Slow average", description="Closes in the slow average.")
    rsi_period: int = Field(default=14, ge=2, le=500, title="RSI period", description="Candles the RSI looks at.")
    rsi_ceiling: float | None = Field(
        default=None,
        gt=0,
        le=100,
        title="RSI ceiling",
        description="No entry while the RSI is above this; empty for no such filter.",
    )

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(f"fast ({self.fast}) must be smaller than slow ({self.slow})")
        return self


class Momentum(Strategy[MomentumParameters]):
    """The level rule on two simple averages, compared exactly: sums of decimals, no division.

    The first decision falls on the candle after the slow average is complete, so that "above" is never
    decided on the very candle that completes it.
    """

    name = "momentum"
    title = "Momentum (two averages)"
    summary = "Long while the fast average of closes is above the slow one, flat otherwise."
    parameters_type = MomentumParameters

    def __init__(self, parameters: MomentumParameters) -> None:
        super().__init__(parameters)
        self._fast, self._slow = parameters.fast, parameters.slow
        self._closes: deque[Decimal] = deque()
        self._fast_sum = self._slow_sum = NOTHING
        self._rsi = None if parameters.rsi_ceiling is None else StreamingRsi(parameters.rsi_period)

    @property
    def warmup(self) -> int:
        # Wilder's smoothing has forgotten where it began after some ten periods.
        return max(self._slow, 0 if self._rsi is None else 10 * self._rsi.period)

    def on_candle(self, context: Context) -> Intent | None:
        self._see(context.candle.close)
        if len(self._closes) <= self._slow:
            return None
        is_above = self._fast_sum * self._slow > self._slow_sum * self._fast
        if is_above:
            return None if context.quantity or self._is_overbought() else self._entry()
        return Intent(Side.SELL, f"{self._averages()}: not above") if context.quantity else None

    def _see(self, close: Decimal) -> None:
        closes = self._closes
        closes.append(close)
        self._fast_sum += close
        self._slow_sum += close
        if len(closes) > self._fast:
            self._fast_sum -= closes[-1 - self._fast]
        if len(closes) > self._slow:
            self._slow_sum -= closes[-1 - self._slow]
            if len(closes) > self._slow + 1:
                closes.popleft()
        if self._rsi is not None:
            self._rsi.add(float(close))

    def _is_overbought(self) -> bool:
        if self._rsi is None or self.parameters.rsi_ceiling is None:
            return False
        return self._rsi.value is None or self._rsi.value > self.parameters.rsi_ceiling

    def _entry(self) -> Intent:
        return Intent(Side.BUY, f"{self._averages()}: above", quantity=self.parameters.quantity)

    def _averages(self) -> str:
        fast, slow = self._fast_sum / self._fast, self._slow_sum / self._slow
        return f"SMA{self._fast} {plain(round(fast, 6))}, SMA{self._slow} {plain(round(slow, 6))}"

    def memory(self) -> dict[str, Any]:
        rsi = None if self._rsi is None else self._rsi.memory()
        return {"closes": [str(close) for close in self._closes], "rsi": rsi}

    def recall(self, memory: dict[str, Any]) -> None:
        self._closes = deque(Decimal(text) for text in memory["closes"])
        closes = list(self._closes)
        self._fast_sum = sum(closes[-self._fast :], NOTHING)
        self._slow_sum = sum(closes[-self._slow :], NOTHING)
        if self._rsi is not None and memory["rsi"] is not None:
            self._rsi.recall(memory["rsi"])
