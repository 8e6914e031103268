"""How far what a machine is asked has moved from what it learnt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ml.models import DriftCount, Machine
from ml.rules.drift import LEAST_LINES, Movement, add, moved, sentence
from shared_models.clock import utc_now

SHOWN = timedelta(days=30)
# So much of the newest is what "now" means.
NOW = timedelta(days=7)
# Beyond this the line is drawn by day.
BY_HOUR = timedelta(days=2)
MOST_LINES_DRAWN = 4


@dataclass(frozen=True, slots=True)
class Drift:
    """`movements` are of the last days, farthest first; `series` are those of the first few over time, at `times`."""

    sentence: str
    lines: int
    movements: list[Movement]
    times: list[datetime]
    series: dict[str, list[float | None]]


def drift_of(machine: Machine, *, now: datetime | None = None) -> Drift | None:
    """What is known of the machine's present model; None before anything was solved with it, or could be compared."""
    model = machine.training_nn_model
    learnt = model.card.get("learnt_shares") if model else None
    if model is None or not learnt:
        return None
    at = now or utc_now()
    rows = list(DriftCount.objects.filter(machine=machine, model_id=model.pk, hour__gte=at - SHOWN).order_by("hour"))
    if not rows:
        return None
    recent = _together([row.counts for row in rows if row.hour >= at - NOW])
    movements = sorted((_movement(name, learnt[name], own) for name, own in recent.items() if name in learnt),
                       key=lambda movement: -movement.psi)  # fmt: skip
    lines = max((movement.lines for movement in movements), default=0)
    times, series = _over_time(rows, learnt, [movement.column for movement in movements[:MOST_LINES_DRAWN]])
    return Drift(sentence(movements, lines), lines, movements, times, series)


def _together(counts: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for own in counts:
        add(found, own)
    return found


def _movement(name: str, learnt: Mapping[str, Any], counts: Sequence[int]) -> Movement:
    return Movement.of(name, learnt, counts, moved(learnt["shares"], counts))


def _over_time(
    rows: Sequence[DriftCount], learnt: Mapping[str, Any], columns: Sequence[str]
) -> tuple[list[datetime], dict[str, list[float | None]]]:
    """The PSI of each column by hour, or by day where it is many hours; None where there were too few lines."""
    by_day = rows[-1].hour - rows[0].hour > BY_HOUR
    groups: dict[datetime, list[Mapping[str, Sequence[int]]]] = defaultdict(list)
    for row in rows:
        groups[row.hour.replace(hour=0) if by_day else row.hour].append(row.counts)
    sums = {time: _together(counts) for time, counts in groups.items()}
    return list(sums), {name: [_psi(own.get(name, ()), learnt[name]) for own in sums.values()] for name in columns}


def _psi(counts: Sequence[int], learnt: Mapping[str, Any]) -> float | None:
    return moved(learnt["shares"], counts) if sum(counts) >= LEAST_LINES else None
