"""A machine's answer as the signal: enter above one threshold, leave below another."""

from typing import Any, Protocol, Self

from pydantic import Field, model_validator

from trading.rules.market import Side
from trading.rules.orders import Intent
from trading.rules.strategies.base import Context, Sized, Strategy


class SignalSource(Protocol):
    """Where answers come from; asked before the step, so that a step itself waits for nobody."""

    def value(self, time: int) -> float | None:
        """The answer for the candle that opened at `time`; None when the candle had too little past."""


class SignalMissing(LookupError):
    """No answer is there for a candle that needs one; a signal is never made up."""

    def __init__(self, time: int) -> None:
        self.time = time
        super().__init__(f"no signal is known for the candle that opened at {time}")


class KnownSignals:
    """Answers by opening instant: prefetched for a backtest, or one a candle on paper."""

    def __init__(self, values: dict[int, float | None] | None = None) -> None:
        self._values = dict(values or {})

    def learn(self, time: int, value: float | None) -> None:
        self._values[time] = value

    def forget_before(self, time: int) -> None:
        self._values = {known: value for known, value in self._values.items() if known >= time}

    def value(self, time: int) -> float | None:
        if time not in self._values:
            raise SignalMissing(time)
        return self._values[time]


class MlSignalParameters(Sized):
    machine_id: str = Field(
        default="", title="Machine", description="Id of the machine that is asked, one row a candle."
    )
    output: str = Field(
        default="prediction",
        title="Answer",
        description="What of the answer is the signal: prediction for a number, p_up for the probability of up.",
    )
    enter_above: float = Field(default=0.55, title="Enter above", description="Long when the signal is above this.")
    exit_below: float = Field(default=0.5, title="Leave below", description="Flat when the signal is below this.")

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> Self:
        if self.exit_below > self.enter_above:
            raise ValueError(f"exit_below ({self.exit_below}) must not lie above enter_above ({self.enter_above})")
        return self


class MlSignal(Strategy[MlSignalParameters]):
    """Long when the machine's answer is high, flat when it is low, unchanged in between."""

    name = "ml_signal"
    title = "Signal of a machine"
    summary = "Asks one of your machines about each candle and trades its answer; every answer is charged to you."
    parameters_type = MlSignalParameters

    def __init__(self, parameters: MlSignalParameters, signals: SignalSource | None = None) -> None:
        super().__init__(parameters)
        self.signals: SignalSource = signals or KnownSignals()

    def on_candle(self, context: Context) -> Intent | None:
        signal = self.signals.value(context.candle.time)
        if signal is None:
            return None
        if signal > self.parameters.enter_above and not context.quantity:
            note = f"signal {signal:.6g} above {self.parameters.enter_above:g}"
            return Intent(Side.BUY, note, quantity=self.parameters.quantity)
        if signal < self.parameters.exit_below and context.quantity:
            return Intent(Side.SELL, f"signal {signal:.6g} below {self.parameters.exit_below:g}")
        return None

    def memory(self) -> dict[str, Any]:
        return {}

    def recall(self, memory: dict[str, Any]) -> None:
        """Nothing to continue: the signal of a candle depends on that candle's row alone."""
