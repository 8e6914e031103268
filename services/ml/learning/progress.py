"""What a training says while it runs: stage, percent, rate, time left and losses."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml.learning.network.train import Look

# Share of the whole that each stage takes on a middling table; training takes the rest.
STAGES = {
    "analysing": 4.0,
    "reading": 4.0,
    "encoding": 4.0,
    "training": 80.0,
    "evaluating": 6.0,
    "storing": 2.0,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """`seconds_left` is None until there is a rate to tell it from; losses are there while training."""

    stage: str
    percent: float
    seconds: float
    seconds_left: float | None = None
    step: int = 0
    steps: int = 0
    steps_per_second: float | None = None
    train_loss: float | None = None
    validation_loss: float | None = None

    def to_json(self) -> dict[str, object]:
        return asdict(self)


@dataclass
class Reporter:
    """Turns what the stages know into `Progress`, and keeps the seconds each stage took."""

    listen: Callable[[Progress], None]
    clock: Callable[[], float] = time.monotonic
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._started = self._stage_started = self.clock()
        self._stage = ""
        self._first_look: tuple[float, int] | None = None

    def enter(self, stage: str) -> None:
        self._close()
        self._stage, self._stage_started = stage, self.clock()
        self.part(0.0)

    def part(self, share: float) -> None:
        """`share` (0 to 1) of the stage is done."""
        self.listen(Progress(self._stage, self._percent(share), self.elapsed))

    def look(self, look: Look) -> None:
        now = self.clock()
        if self._first_look is None:  # what came before the first look was mostly compiling
            self._first_look = (now, look.step)
        since, first = self._first_look
        rate = (look.step - first) / (now - since) if now > since and look.step > first else None
        # What follows training takes about a tenth as long.
        left = (look.steps - look.step) / rate * 1.1 if rate else None
        self.listen(
            Progress(
                self._stage,
                self._percent(look.step / max(look.steps, 1)),
                self.elapsed,
                left,
                look.step,
                look.steps,
                rate,
                look.train_loss,
                look.validation_loss,
            )
        )

    def finish(self) -> dict[str, float]:
        """Close the last stage; returns the seconds by stage and in total."""
        self._close()
        self.listen(Progress("finished", 100.0, self.elapsed, 0.0))
        return {**self.seconds, "total": round(self.elapsed, 3)}

    @property
    def elapsed(self) -> float:
        return self.clock() - self._started

    def _close(self) -> None:
        if self._stage:
            self.seconds[self._stage] = round(self.clock() - self._stage_started, 3)

    def _percent(self, share: float) -> float:
        before = 0.0
        for stage, percent in STAGES.items():
            if stage == self._stage:
                return round(before + percent * min(max(share, 0.0), 1.0), 1)
            before += percent
        return 0.0
