"""From a table to a model on disk: the one path the service, the command line and the bench go."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.learning.checkpoints import Checkpoints
from ml.learning.columns.analyse import TableReport
from ml.learning.levels import level_of
from ml.learning.material import read_material
from ml.learning.network.programs import prepare
from ml.learning.plan import TrainingPlan
from ml.learning.progress import Progress, Reporter
from ml.learning.store import check_place, write_model
from ml.learning.tables.batch import TableSource

# What of the time limit may be gone when training ends; the rest is for evaluating and storing.
TRAINING_SHARE = 0.88


@dataclass(frozen=True, slots=True)
class Trained:
    """A model that was stored in `folder`; `card` is its card.json."""

    folder: Path
    card: dict[str, Any]
    report: TableReport


def train(
    table: TableSource,
    plan: TrainingPlan,
    folder: Path,
    *,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    should_stop: Callable[[], bool] = lambda: False,
    cache: Path | None = None,
    checkpoints: Checkpoints | None = None,
    wait_for_room: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train as `plan` says and store the model in `folder`: the whole of it, or nothing.

    The same table, plan and kind of machine give the same encoder, network and graph, byte by byte. `should_stop`
    is asked all along: while training, the best networks so far are kept and the work finishes with them; before
    that it raises TrainingCancelled. `cache` keeps compiled programs between runs. What `on_progress` raises ends
    the training. What `checkpoints` hold of this training is not done again, and its time counts. `wait_for_room` is
    called when the disk is full at the end; True means that it may have room now. Raises a LearningError whose text is
    meant for the person.
    """
    level = level_of(plan.level)
    check_place(folder)
    deadline = _deadline(plan, checkpoints)
    reporter = Reporter(on_progress)
    material = read_material(table, plan, reporter, should_stop)

    prepare(cache)
    # Only now: a table that cannot be learnt should be refused before JAX takes its second to load.
    from ml.learning.build import build

    built = build(material, plan, level, reporter, deadline=deadline, should_stop=should_stop, checkpoints=checkpoints)
    reporter.enter("storing")
    card = {**built.card, "seconds": reporter.finish()}
    _store(folder, built.files_with(card), wait_for_room)
    return Trained(folder, card, material.report)


def _deadline(plan: TrainingPlan, checkpoints: Checkpoints | None) -> float | None:
    if plan.time_limit is None:
        return None
    spent = checkpoints.spent_before if checkpoints else 0.0
    return time.monotonic() + max(0.0, plan.time_limit * TRAINING_SHARE - spent)


def _store(folder: Path, files: dict[str, bytes], wait_for_room: Callable[[], bool]) -> None:
    """What took long to find is not thrown away because the disk is full just now."""
    while True:
        try:
            return write_model(folder, files)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not wait_for_room():
                raise
