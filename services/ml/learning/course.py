"""The course of a training: its many parts told as one, and the time there is shared out among them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ml.learning.checkpoints import Checkpoints, Part
from ml.learning.network.train import Look


@dataclass
class Course:
    """`total` is the work of all parts, in steps of a network; `done` is what lies behind.

    `checkpoints` keep the parts under names that begin with `name`.
    """

    total: int
    on_look: Callable[[Look], None]
    on_part: Callable[[float], None]
    should_stop: Callable[[], bool]
    deadline: float | None
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    was_cut: bool = False
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    name: str = ""

    def part(self, *what: object) -> Part:
        """Where the part that `what` decides is kept."""
        return self.checkpoints.part("|".join([self.name, *map(repr, what)]))

    def share(self, of_the_rest: float) -> float | None:
        """When a part must end that may take so much of the time left."""
        if self.deadline is None:
            return None
        now = self.clock()
        return now + max(0.0, self.deadline - now) * of_the_rest

    def is_over(self) -> bool:
        """Nothing new is begun: what there is gets finished."""
        over = self.should_stop() or (self.deadline is not None and self.clock() >= self.deadline)
        self.was_cut |= over
        return over

    def looks(self, work: int) -> Callable[[Look], None]:
        """Passes looks at one part on as looks at the whole; the part's work counts as done from now on."""
        first = self.done
        self.done += work

        def hear(look: Look) -> None:
            step = first + round(work * min(1.0, look.step / max(look.steps, 1)))
            self.on_look(replace(look, step=step, steps=max(self.total, 1)))

        return hear

    def did(self, work: int) -> None:
        """A part is done that has no looks of its own."""
        self.done += work
        self.on_part(min(1.0, self.done / max(self.total, 1)))
