"""What a stretch of work cost: wall time, and CPU time of this process and of all of PostgreSQL's."""

from __future__ import annotations

import contextlib
import os
import time
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
    seconds = 0.0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name may hold anything, so counting begins behind it.
                facts = (entry / "stat").read_text().rpartition(")")[2].split()
                if parent in (int(entry.name), int(facts[1])):
                    seconds += _on_cpu(entry, facts)
                if int(entry.name) == parent:
                    seconds += (int(facts[13]) + int(facts[14])) / TICKS  # children that it has buried
    return seconds


def _on_cpu(process: Path, facts: list[str]) -> float:
    with contextlib.suppress(OSError):
        return int((process / "schedstat").read_text().split()[0]) / 1e9  # one thread each, so this is all
    return (int(facts[11]) + int(facts[12])) / TICKS
