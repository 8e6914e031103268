"""Is every usage event charged that its producer said? Hour by hour, by number, lines and an order-free digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared_models.clock import rfc3339
from shared_models.usage import as_hex

NAMED = 5


@dataclass(frozen=True, slots=True)
class Sum:
    """Usage of one hour."""

    events: int = 0
    lines: int = 0
    digest: str = as_hex(0)


@dataclass(frozen=True, slots=True)
class Hour:
    """What was said and what was charged of one hour.

    `missing` was said and has been awaited for too long, `on_the_way` was said a moment ago. `surely_said` is how many
    of the charged events the producer must have counted by now.
    """

    hour: datetime
    said: Sum = Sum()
    charged: Sum = Sum()
    surely_said: int = 0
    missing: Sequence[UUID] = ()
    on_the_way: int = 0

    @property
    def difference(self) -> str | None:
        """What differs, naming the missing events where they are known; None while everything may still be right."""
        why = self._why()
        if why is None:
            return None
        said, charged = self.said.events, self.charged.events
        return f"in the hour from {rfc3339(self.hour)} ml said {said} usage events, {charged} are charged: {why}"

    def _why(self) -> str | None:
        if self.missing:
            return f"{len(self.missing)} never arrived, {_named(self.missing)}"
        if self.charged.events + self.on_the_way < self.said.events:
            return "which are missing is not known"
        if self.surely_said > self.said.events:
            return "the others ml never said"
        settled = self.on_the_way == 0 and self.charged.events == self.said.events
        if settled and self.charged != self.said:
            lines = f"{self.said.lines} lines were said, {self.charged.lines} charged"
            return f"as many, but not the same ({lines}, digests {self.said.digest} and {self.charged.digest})"
        return None


def first_difference(hours: Sequence[Hour]) -> str | None:
    """The difference of the earliest hour that has one."""
    found = (hour.difference for hour in sorted(hours, key=lambda hour: hour.hour))
    return next((difference for difference in found if difference), None)


def _named(missing: Sequence[UUID]) -> str:
    names = ", ".join(str(event_id) for event_id in sorted(missing)[:NAMED])
    more = len(missing) - NAMED
    return f"{names} and {more} more" if more > 0 else names
