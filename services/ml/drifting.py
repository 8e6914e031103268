"""What solved rows look like, counted in memory and written now and then, so that no request pays for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from django.db import Error, connections

from ml.rules.drift import add
from shared_models.clock import utc_now

if TYPE_CHECKING:
    from ml.learning.solver import Solver
    from ml.models import Machine

log = structlog.get_logger("titan.ml")
# What was counted is written this long after the first of it; a process that is killed loses no more.
FLUSH_SECONDS = 10.0
# Rows wait here to be counted together, which costs each a fraction of being counted alone; so few that it takes about
# a millisecond, since it may happen on the event loop.
MOST_WAITING = 200
# What came one by one is put with its machine's others when there is so much of it.
MOST_LOOSE = 100
_Key = tuple[UUID, UUID, datetime]


class _Waiting:
    """Rows solved with a machine's model in an hour: some not counted yet, the others as counts."""

    def __init__(self, solver: Solver) -> None:
        self.solver = solver
        self.rows: list[Mapping[str, Any]] = []
        self.counts: dict[str, list[int]] = {}

    def count(self) -> None:
        """Count the rows that wait."""
        from ml.learning.drift import counted

        rows, self.rows = self.rows, []
        if rows:
            learnt = self.solver.learnt_shares
            add(self.counts, counted(learnt, _by_column(rows, learnt)))


_waiting: dict[_Key, _Waiting] = {}
_loose: deque[tuple[Machine, Solver, Sequence[Mapping[str, Any]], datetime]] = deque()
_lock = threading.Lock()
_timer: threading.Timer | None = None


def note_rows(machine: Machine, solver: Solver, rows: Sequence[Mapping[str, Any]]) -> None:
    """These rows were solved."""
    if solver.decimal:  # those that wait are counted as the machine's own table writes numbers
        note_columns(machine, solver, _by_column(rows, solver.learnt_shares))
    elif solver.learnt_shares:
        with _lock:
            _put(machine, solver, rows, utc_now())


def _by_column(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, list[Any]]:
    return {name: [row.get(name) for row in rows] for name in names}


def note_few_rows(machine: Machine, solver: Solver, rows: Sequence[Mapping[str, Any]]) -> None:
    """The same at next to no cost, for requests that take next to nothing."""
    if not solver.learnt_shares:
        return
    _loose.append((machine, solver, rows, utc_now()))
    if _timer is None or len(_loose) >= MOST_LOOSE:
        with _lock:
            _put_loose()


def _put_loose() -> None:
    while _loose:
        _put(*_loose.popleft())


def _put(machine: Machine, solver: Solver, rows: Sequence[Mapping[str, Any]], at: datetime) -> None:
    mine = _mine(machine, solver, at)
    mine.rows += rows
    if len(mine.rows) >= MOST_WAITING:
        mine.count()


def note_columns(machine: Machine, solver: Solver, columns: Mapping[str, Sequence[Any]]) -> None:
    """The same for rows that came column by column."""
    if not solver.learnt_shares:
        return
    from ml.learning.drift import counted

    counts = counted(solver.learnt_shares, columns, decimal=solver.decimal)
    with _lock:
        add(_mine(machine, solver, utc_now()).counts, counts)


def _mine(machine: Machine, solver: Solver, at: datetime) -> _Waiting:
    model_id = machine.training_nn_model_id
    assert model_id is not None
    key = (machine.pk, model_id, this_hour(at))
    if key not in _waiting:
        _waiting[key] = _Waiting(solver)
    _start_timer()
    return _waiting[key]


def this_hour(now: datetime | None = None) -> datetime:
    """The beginning of the hour."""
    return (now or utc_now()).replace(minute=0, second=0, microsecond=0)


def _start_timer() -> None:
    global _timer
    if _timer is None:
        _timer = threading.Timer(FLUSH_SECONDS, _flush_and_close)
        _timer.daemon = True
        _timer.start()


def _flush_and_close() -> None:
    global _timer
    with _lock:
        _timer = None
    try:
        flush()
    except Error as error:  # the counts are lost; nobody is charged by them
        log.warning("drift.not_written", error=str(error).partition("\n")[0])
    finally:
        connections.close_all()


def flush() -> None:
    """Write what was counted since the last time."""
    from ml.commands.drift import keep_drift

    with _lock:
        _put_loose()
        taken = dict(_waiting)
        _waiting.clear()
    for (machine_id, model_id, hour), mine in taken.items():
        mine.count()
        keep_drift(machine_id=machine_id, model_id=model_id, hour=hour, counts=mine.counts)
