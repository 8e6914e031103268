"""What a person asks of a training, and which columns that leaves as inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ml.learning.columns.analyse import TableReport
from ml.learning.columns.infer import ColumnType
from ml.learning.errors import NothingToLearn, UnknownColumns
from ml.learning.network.shape import Loss, NetworkShape, Optimizer

LEAST_LEARNING = 50
LEAST_EVALUATION = 10
MOST_INPUTS = 2000
# Encoded lines are held in memory as four-byte numbers; beyond, a sample is learnt from.
MOST_CELLS = 200_000_000


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """All that decides a training besides the table itself.

    `types` overrides inferred column types; `loss` None is chosen by the output; `time_limit` is in seconds and
    covers everything from reading to storing.
    """

    outputs: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    level: int = 1
    seed: int = 0
    loss: Loss | None = None
    optimizer: Optimizer = "adamw"
    shape: NetworkShape = field(default_factory=NetworkShape)
    time_limit: float | None = None


def inputs_of(plan: TrainingPlan, report: TableReport) -> tuple[list[str], dict[str, str]]:
    """(input columns, why each other column is not one). Raises UnknownColumns, NothingToLearn."""
    names = list(report.columns)
    if unknown := [name for name in (*plan.outputs, *plan.ignore) if name not in report.columns]:
        raise UnknownColumns(unknown, names)
    if not plan.outputs:
        raise NothingToLearn("No output was named: say which column is to be predicted.", field="target")
    inputs: list[str] = []
    left_out: dict[str, str] = {}
    for name in names:
        column = report.columns[name]
        if name in plan.outputs:
            continue
        if name in plan.ignore:
            left_out[name] = "ignored as asked"
        elif column.type in (ColumnType.IGNORE, ColumnType.JSON):
            left_out[name] = column.reason
        elif len(inputs) >= MOST_INPUTS:
            left_out[name] = f"beyond the first {MOST_INPUTS} inputs"
        else:
            inputs.append(name)
    if not inputs:
        raise NothingToLearn("No input column is left to learn from: ignore fewer columns or add some.")
    return inputs, left_out
