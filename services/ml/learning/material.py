"""Reads what a training needs and refuses what cannot be learnt, before anything heavy is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.analyse import TableReport, analyse
from ml.learning.columns.infer import ColumnType
from ml.learning.errors import EmptyTable, TooFewLines, TrainingCancelled, UnfitOutput
from ml.learning.load import LoadedTable, load
from ml.learning.plan import LEAST_EVALUATION, LEAST_LEARNING, MOST_CELLS, TrainingPlan, inputs_of
from ml.learning.progress import Reporter
from ml.learning.tables.batch import TableSource
from ml.learning.targets import Targets, targets_of

Rows = NDArray[np.intp]
# An encoded column for each of the usual bins and flags; wide labels take more, few columns do.
CELLS_PER_INPUT = 36


@dataclass(frozen=True, slots=True)
class Material:
    """A table read and found fit to learn from; `learning` and `evaluation` are line places in `loaded`."""

    report: TableReport
    inputs: list[str]
    left_out: dict[str, str]
    loaded: LoadedTable
    targets: Targets
    learning: Rows
    evaluation: Rows


def read_material(
    table: TableSource, plan: TrainingPlan, reporter: Reporter, should_stop: Callable[[], bool]
) -> Material:
    """Raises every LearningError a table or a plan can be at fault for, and TrainingCancelled."""
    reporter.enter("analysing")
    report = analyse(table, outputs=plan.outputs, types=plan.types, on_lines=_watch(reporter, should_stop, None))
    inputs, left_out = inputs_of(plan, report)
    for name in plan.outputs:
        if report.columns[name].errors:
            raise UnfitOutput(f"{name}: {report.columns[name].errors[0]}.", field=name)
        if report.columns[name].type is ColumnType.IGNORE:
            raise UnfitOutput(f"{name} cannot be an output: {report.columns[name].reason}.", field=name)
    reporter.enter("reading")
    loaded = load(
        table,
        report,
        [*inputs, *plan.outputs],
        seed=plan.seed,
        most_lines=MOST_CELLS // (CELLS_PER_INPUT * len(inputs)),
        on_lines=_watch(reporter, should_stop, report.line_count),
    )
    _check_lines(~loaded.evaluation, loaded.evaluation)
    targets = targets_of(loaded, report, list(plan.outputs), loss=plan.loss)
    known = targets.known
    for column in (~np.isnan(targets.y)).T:
        _check_lines(column & ~loaded.evaluation, column & loaded.evaluation)
    return Material(
        report,
        inputs,
        left_out,
        loaded,
        targets,
        np.flatnonzero(known & ~loaded.evaluation),
        np.flatnonzero(known & loaded.evaluation),
    )


def _watch(reporter: Reporter, should_stop: Callable[[], bool], lines: int | None) -> Callable[[int], None]:
    def heard(read: int) -> None:
        if should_stop():
            raise TrainingCancelled
        # How many lines a text has is not known before it was read once.
        reporter.part(read / lines if lines else 0.5)

    return heard


def _check_lines(learning: NDArray[np.bool_], evaluation: NDArray[np.bool_]) -> None:
    counts = int(learning.sum()), int(evaluation.sum())
    if not sum(counts):
        raise EmptyTable("The table")
    if counts[0] < LEAST_LEARNING or counts[1] < LEAST_EVALUATION:
        raise TooFewLines(*counts, least_learning=LEAST_LEARNING, least_evaluation=LEAST_EVALUATION)
