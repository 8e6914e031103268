"""The circuit breaker: when too much must be parked the fault is here, and consuming stops instead."""

from __future__ import annotations

from collections import deque

from event_bus import metrics

# A bad deployment must not pour the topic into the parking table.
CONSECUTIVE = 20
WINDOW = 1000
WORST_SHARE = 0.05


class BreakerOpen(RuntimeError):
    """Too many events had to be parked: the fault is here, not in the events."""


class Breaker:
    """Opens after more than 20 failures in a row, or more than 5 % of the last 1000 events (and more than 20)."""

    def __init__(self) -> None:
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._in_a_row = 0

    def remember(self, failures: int) -> None:
        """What was parked before this process began: one that opens at once must not park twenty more each time."""
        self._in_a_row = min(failures, CONSECUTIVE)

    def judge(self, failures: list[bool]) -> None:
        """Count events in their order, True for one that had to be parked for itself. Raises BreakerOpen."""
        for failed in failures:
            self._recent.append(failed)
            self._in_a_row = self._in_a_row + 1 if failed else 0
            if failed:
                self._check()

    def _check(self) -> None:
        failed = sum(self._recent)
        if self._in_a_row > CONSECUTIVE:
            self._open(f"{self._in_a_row} events in a row could not be handled")
        if failed > CONSECUTIVE and failed > WORST_SHARE * len(self._recent):
            self._open(f"{failed} of the last {len(self._recent)} events could not be handled")

    def _open(self, what: str) -> None:
        metrics.breaker_open.set(1)
        raise BreakerOpen(f"{what}; nothing more is parked. Fix the handler or its data, then `titan replay`.")
