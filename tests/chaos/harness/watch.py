"""What a process costs while the world around it is broken: CPU and attempts a second."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from harness.world import Member

# What relay, consumer and the Kafka client below them say each time they tried in vain.
ATTEMPT = re.compile(r"relay\.\w+|consumer\.retry|Unable connect to node|Unable to update metadata|retrying")


@dataclass(frozen=True)
class Cost:
    """What was spent between two looks."""

    cpu_percent: float
    """Of one core, by the costliest of the processes."""
    attempts_per_second: float
    """Of the busiest of the processes."""


class Watch:
    """Measures some members from its making on."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members
        self._began = time.monotonic()
        self._before = [_spent(member) for member in members]

    @property
    def seconds(self) -> float:
        """How long it watched so far."""
        return time.monotonic() - self._began

    def cost(self) -> Cost:
        """What was spent so far."""
        seconds = self.seconds
        spent = [(now[0] - then[0], now[1] - then[1]) for then, now in zip(self._before, self._now(), strict=True)]
        return Cost(
            cpu_percent=round(100 * max(cpu for cpu, _ in spent) / seconds, 1),
            attempts_per_second=round(max(tries for _, tries in spent) / seconds, 1),
        )

    def _now(self) -> list[tuple[float, int]]:
        return [_spent(member) for member in self._members]


def _spent(member: Member) -> tuple[float, int]:
    times = psutil.Process(member.process.pid).cpu_times()
    return times.user + times.system, len(ATTEMPT.findall(member.output()))
