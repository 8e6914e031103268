"""What a stretch of work cost: wall time, and CPU time of this process and of all of PostgreSQL's."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Mark:
    """A moment, and what had been spent until then."""

    wall: float
    own: float
    postgres: float

    @classmethod
    def now(cls) -> Mark:
        """This moment."""
        return cls(time.monotonic(), time.process_time(), cpu_of_family(int(os.environ["TITAN_BENCH_POSTGRES_PID"])))


@dataclass
class Spent:
    """A measured stretch; `events` is how many were carried in it."""

    events: int
    began: Mark
    ended: Mark

    def figures(self) -> dict[str, float]:
        """Events a second, and CPU microseconds an event."""
        return {
            "events": self.events,
            "seconds": round(self.ended.wall - self.began.wall, 3),
            "per_second": self.events / (self.ended.wall - self.began.wall),
            "own_us": (self.ended.own - self.began.own) / self.events * 1e6,
            "postgres_us": (self.ended.postgres - self.began.postgres) / self.events * 1e6,
        }


def cpu_of_family(parent: int) -> float:
    """CPU seconds of a process, of its children, and of those that have ended."""
    ticks = 0
    for pid, parent_of, times in _processes():
        if pid == parent:
            ticks += sum(times)  # its own, and of the children it has buried
        elif parent_of == parent:
            ticks += sum(times[:2])
    return ticks / TICKS


def _processes() -> Iterator[tuple[int, int, list[int]]]:
    """Process id, parent, and times: user, system, and both of ended children."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name may hold anything, so counting begins behind it.
                facts = (entry / "stat").read_text().rpartition(")")[2].split()
                yield int(entry.name), int(facts[1]), [int(fact) for fact in facts[11:15]]
