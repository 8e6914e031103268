"""The outputs of a machine as a network learns them: labels as numbers, numbers in standard deviations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.analyse import TableReport
from ml.learning.columns.infer import ColumnType
from ml.learning.encoding.outputs import LabelOutput, NumberOutput, Output
from ml.learning.errors import NothingToLearn, UnfitOutput
from ml.learning.load import LoadedTable
from ml.learning.network.shape import Head, HeadLoss, Loss

MOST_CLASSES = 1000
# Different labels as a share of the lines; beyond, most labels are met once.
MOST_DIFFERENT = 0.3
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Targets:
    """`y[:, i]` is output i of every line (NaN unknown); `unlearnt` marks labels no learning line has."""

    outputs: tuple[Output, ...]
    heads: tuple[Head, ...]
    y: Floats
    unlearnt: NDArray[np.bool_]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Lines with at least one output that can be learnt or checked."""
        return np.asarray((~np.isnan(self.y) | self.unlearnt).any(axis=1))


def targets_of(loaded: LoadedTable, report: TableReport, names: list[str], *, loss: Loss | None) -> Targets:
    """Raises NothingToLearn for an output that never changes, UnfitOutput for one of a type that cannot be learnt."""
    learning = ~loaded.evaluation
    outputs: list[Output] = []
    columns, unlearnt = [], []
    for name in names:
        if report.columns[name].type is ColumnType.LABEL:
            output, y, new = _labels(loaded, name, learning)
        elif report.columns[name].type is ColumnType.FLOAT:
            output, y, new = _numbers(loaded, name, learning)
        else:
            raise UnfitOutput(
                f"{name} cannot be an output, because it is {report.columns[name].type}: choose a column of numbers "
                "or labels, or set its type.",
                field=name,
            )
        outputs.append(output)
        columns.append(y)
        unlearnt.append(new)
    heads = tuple(Head(output.width, _loss(output, loss)) for output in outputs)
    return Targets(tuple(outputs), heads, np.stack(columns, axis=1), np.stack(unlearnt, axis=1))


def _labels(loaded: LoadedTable, name: str, learning: NDArray[np.bool_]) -> tuple[Output, Floats, NDArray[np.bool_]]:
    column = loaded.labels[name]
    present = np.unique(column.codes[learning & (column.codes >= 0)])
    if present.size < 2:
        raise NothingToLearn(
            f"{name} holds one value only in the learning lines: there is nothing to learn.", field=name
        )
    lines = int((learning & (column.codes >= 0)).sum())
    if present.size > lines * MOST_DIFFERENT:
        raise UnfitOutput(
            f"{name} holds {present.size} different labels in {lines} lines, too few of each to learn from: group "
            "them, or set its type to FLOAT if they are numbers.",
            field=name,
        )
    if present.size > MOST_CLASSES:
        raise UnfitOutput(
            f"{name} holds {present.size} different labels, at most {MOST_CLASSES} can be learnt: group them, or set "
            "its type to FLOAT if they are numbers.",
            field=name,
        )
    labels = sorted((column.labels[i] for i in present), key=_label_order)
    place = {label: i for i, label in enumerate(labels)}
    codes = np.array([place.get(label, -1) for label in column.labels] + [-1], dtype=np.float32)
    y = codes[column.codes]
    new = (column.codes >= 0) & (y < 0)
    return LabelOutput(name, tuple(labels)), np.where(y < 0, np.nan, y).astype(np.float32), new


def _label_order(label: str) -> tuple[float, str]:
    """Numbers by size, then texts by letters."""
    try:
        return float(label), label
    except ValueError:
        return float("inf"), label


def _numbers(loaded: LoadedTable, name: str, learning: NDArray[np.bool_]) -> tuple[Output, Floats, NDArray[np.bool_]]:
    values = loaded.numbers[name]
    learnt = values[learning & ~np.isnan(values)]
    if learnt.size == 0 or learnt.min() == learnt.max():
        raise NothingToLearn(
            f"{name} holds one value only in the learning lines: there is nothing to learn.", field=name
        )
    mean, std = float(learnt.mean()), float(learnt.std())
    output = NumberOutput(name, mean, std, float(learnt.min()), float(learnt.max()))
    return output, ((values - mean) / std).astype(np.float32), np.zeros(values.size, dtype=bool)


def _loss(output: Output, loss: Loss | None) -> HeadLoss:
    if isinstance(output, LabelOutput):
        if loss == "mae":
            raise UnfitOutput(f"The loss mae does not fit {output.column}, whose values are labels.", field="loss")
        if loss == "binary_crossentropy" and output.width > 2:
            raise UnfitOutput(
                f"The loss binary_crossentropy needs two labels, {output.column} has {output.width}: choose "
                "categorical_crossentropy.",
                field="loss",
            )
        return "brier" if loss == "mse" else "crossentropy"
    if loss in ("binary_crossentropy", "categorical_crossentropy"):
        raise UnfitOutput(f"The loss {loss} does not fit {output.column}, whose values are numbers.", field="loss")
    return "mae" if loss == "mae" else "mse"
