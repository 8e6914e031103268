"""Indicators that grow candle by candle and survive being written down."""

from typing import Any

KEPT = 64  # what talipp must keep is two values; more only makes trimming rare


class StreamingRsi:
    """Wilder's RSI from talipp, whose history is trimmed so that a run of years does not grow."""

    def __init__(self, period: int) -> None:
        self.period = period
        self._rsi = _new(period)

    @property
    def value(self) -> float | None:
        return self._rsi[-1] if len(self._rsi) else None

    def add(self, close: float) -> None:
        self._rsi.add(close)
        if len(self._rsi.input_values) > self._room + KEPT:
            # Not by purge_oldest: it trims the averages as far as the inputs, though they are shorter.
            self.recall(self.memory())

    @property
    def _room(self) -> int:
        return self.period + 2

    def memory(self) -> dict[str, Any]:
        rsi = self._rsi
        return {
            "inputs": rsi.input_values[-self._room :],
            "outputs": rsi.output_values[-self._room :],
            "gain": rsi.avg_gain[-1:],
            "loss": rsi.avg_loss[-1:],
        }

    def recall(self, memory: dict[str, Any]) -> None:
        rsi = _new(self.period)
        rsi.input_values = list(memory["inputs"])
        rsi.output_values = list(memory["outputs"])
        rsi.avg_gain.extend(memory["gain"])
        rsi.avg_loss.extend(memory["loss"])
        self._rsi = rsi


def _new(period: int) -> Any:
    # The package brings its sixty indicators along: 10 MB that only a bot with an RSI needs.
    from talipp.indicators import RSI

    return RSI(period)
