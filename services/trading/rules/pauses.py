"""When a bot stays out of the market because of events on the economic calendar."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

MINUTE = 60


class Importance(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Event(NamedTuple):
    """An event of the calendar: an instant, or from `start` up to `end` when it has no time of day."""

    name: str
    currency: str
    importance: Importance
    start: int
    end: int


class Around(NamedTuple):
    """Minutes to stay out before and after an event."""

    before: int
    after: int


class Window(NamedTuple):
    """Half open: `start` is inside, `end` is not."""

    start: int
    end: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PausePolicy:
    """Which events a bot stays away from; no currencies named means all of them."""

    around: Mapping[Importance, Around] = field(default_factory=dict)
    currencies: frozenset[str] = frozenset()

    def concerns(self, event: Event) -> bool:
        return event.importance in self.around and (not self.currencies or event.currency in self.currencies)

    @property
    def is_on(self) -> bool:
        return bool(self.around)


class Pauses:
    """Merged windows, asked by instant.

    `known_from` and `known_until` bound what the calendar covers: outside of them "no event" is not known,
    and a bot that pauses around events must not take silence for calm.
    """

    def __init__(self, windows: list[Window], *, known_from: int | None, known_until: int | None) -> None:
        self.windows = windows
        self._starts = [window.start for window in windows]
        self._known_from = known_from
        self._known_until = known_until

    def at(self, time: int) -> Window | None:
        position = bisect_right(self._starts, time) - 1
        if position >= 0 and time < self.windows[position].end:
            return self.windows[position]
        return None

    def is_known(self, time: int) -> bool:
        if self._known_from is None or self._known_until is None:
            return False
        return self._known_from <= time < self._known_until


NO_PAUSES = Pauses([], known_from=-(2**62), known_until=2**62)


def pauses(events: Iterable[Event], policy: PausePolicy, *, known_from: int | None, known_until: int | None) -> Pauses:
    """The windows `policy` opens around `events`, overlapping and touching ones merged."""
    if not policy.is_on:
        return NO_PAUSES
    found = sorted(_window(event, policy.around[event.importance]) for event in events if policy.concerns(event))
    return Pauses(_merged(found), known_from=known_from, known_until=known_until)


def _window(event: Event, around: Around) -> Window:
    start = event.start - around.before * MINUTE
    return Window(start, max(event.end, event.start) + around.after * MINUTE, (event.name,))


def _merged(windows: list[Window]) -> list[Window]:
    merged: list[Window] = []
    for window in windows:
        if merged and window.start <= merged[-1].end:
            last = merged[-1]
            names = last.names + tuple(name for name in window.names if name not in last.names)
            merged[-1] = Window(last.start, max(last.end, window.end), names)
        elif window.end > window.start:
            merged.append(window)
    return merged
