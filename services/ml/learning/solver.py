"""Solves rows with a stored model: ONNX Runtime on one thread, no JAX, no scikit-learn, no pandas."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.learning.encoding.encoder import Encoder
from ml.learning.encoding.outputs import LabelOutput, NumberOutput, spans
from ml.learning.encoding.remarks import Remarks
from ml.learning.store import CARD, ENCODER, GRAPH, read_model
from ml.learning.tables.batch import Cell
from ml.learning.tables.inside import inside, row_apart

if TYPE_CHECKING:
    import onnxruntime

# Up to here rows are encoded one by one: setting a batch up costs more than it saves.
FEW_ROWS = 8
PART = 512


@dataclass(frozen=True, slots=True)
class Solved:
    """One solved row, by output column: the value, the probability of each label, the interval of a number."""

    values: dict[str, str | float]
    probabilities: dict[str, dict[str, float]] = field(default_factory=dict)
    low: dict[str, float] = field(default_factory=dict)
    high: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "values": self.values,
            "probabilities": self.probabilities,
            "low": self.low,
            "high": self.high,
            "warnings": self.warnings,
        }


@dataclass(frozen=True, slots=True)
class SolvedColumns:
    """Many solved rows, column by column; what `Solved` is to one row."""

    values: dict[str, NDArray[Any]]
    probabilities: dict[str, dict[str, NDArray[np.float64]]]
    low: dict[str, NDArray[np.float64]]
    high: dict[str, NDArray[np.float64]]
    remarks: Remarks


class Solver:
    """A model kept warm. `size_bytes` is what it holds, so that a cache can be kept within bounds."""

    def __init__(self, encoder: Encoder, graph: bytes, card: Mapping[str, Any] | None = None) -> None:
        self.encoder = encoder
        # With which other sign than the learnt table's the cells write their numbers; empty, with the same.
        self.decimal = ""
        self.card = dict(card or {})
        self.size_bytes = 3 * len(graph)
        self._session = _session(graph)

    @property
    def learnt_shares(self) -> Mapping[str, Any]:
        """How the inputs were spread over their bins when it was learnt; nothing in models of before."""
        found: Mapping[str, Any] = self.card.get("learnt_shares", {})
        return found

    @classmethod
    def load(cls, folder: Path) -> Solver:
        """Raises ModelDamaged when a file is missing or not what was stored."""
        files = read_model(folder)
        encoder = Encoder.from_json(json.loads(files[ENCODER]))
        return cls(encoder, files[GRAPH], json.loads(files.get(CARD, b"{}")))

    def solve(self, rows: Sequence[Mapping[str, Cell]]) -> list[Solved]:
        """Answers in the order of the rows; what is odd about a row is said in its warnings, never an error."""
        if not rows:
            return []
        rows = self.whole_rows(rows)
        if len(rows) > FEW_ROWS:
            return self._solve_many(rows)
        encoded = [self.encoder.row(row) for row in rows]
        x = np.frombuffer(b"".join([columns for columns, _ in encoded]), np.float32)
        x = x.reshape(len(rows), self.encoder.width)
        answers = self.answers(x)
        return [self._solved(answers[i], warnings) for i, (_, warnings) in enumerate(encoded)]

    def reading(self, decimal: str) -> Solver:
        """The same for cells that write their numbers with this sign; empty, with that of the learnt table."""
        encoder = self.encoder.reading(decimal)
        if encoder is self.encoder:
            return self
        own = copy(self)
        own.encoder, own.decimal = encoder, decimal
        return own

    def whole_rows(self, rows: Sequence[Mapping[str, Cell]]) -> Sequence[Mapping[str, Cell]]:
        """The rows with what stands inside their columns as columns of its own."""
        return [row_apart(row, self.encoder.parts) for row in rows] if self.encoder.parts else rows

    def whole_columns(self, columns: Mapping[str, Sequence[Cell]]) -> Mapping[str, Sequence[Cell]]:
        """The same for rows given column by column."""
        parts = [part for part in self.encoder.parts if part.column in columns and part.name not in columns]
        return {**columns, **inside(columns, parts)} if parts else columns

    def solve_columns(self, columns: Mapping[str, Sequence[Cell]], lines: int) -> SolvedColumns:
        """The same for a batch given column by column, as files are."""
        x, remarks = self.encoder.batch(columns, lines)
        return self.read_answers(self.answers(x), remarks)

    def read_answers(self, raw: NDArray[np.float32], remarks: Remarks) -> SolvedColumns:
        """What the network's answers to a batch mean, column by column."""
        answers = raw.astype(np.float64)
        found = SolvedColumns({}, {}, {}, {}, remarks)
        for output, (start, end) in zip(self.encoder.outputs, spans(self.encoder.outputs), strict=True):
            part = answers[:, start:end]
            if isinstance(output, LabelOutput):
                found.values[output.column] = np.array(output.labels, dtype=object)[part.argmax(axis=1)]
                found.probabilities[output.column] = {label: part[:, i] for i, label in enumerate(output.labels)}
                continue
            values = output.value(part[:, 0])
            found.values[output.column] = values
            if (bounds := output.bounds(values)) is not None:
                found.low[output.column], found.high[output.column] = bounds
        return found

    def answers(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The raw answers to encoded rows: probabilities of labels, numbers in standard deviations."""
        if len(x) <= PART:
            result: NDArray[np.float32] = self._session.run(None, {"x": x})[0]
            return result
        parts = [self._session.run(None, {"x": x[i : i + PART]})[0] for i in range(0, len(x), PART)]
        return np.concatenate(parts)

    def _solve_many(self, rows: Sequence[Mapping[str, Cell]]) -> list[Solved]:
        names = list(dict.fromkeys(name for row in rows for name in row))
        columns = {name: [row.get(name) for row in rows] for name in names}
        x, remarks = self.encoder.batch(columns, len(rows))
        answers = self.answers(x)
        remarks.for_all = []
        own = (self.encoder.remarks_on_columns(row.keys()) for row in rows)
        return [
            self._solved(answers[i], list(dict.fromkeys([*about_columns, *remarks.of(i)])))
            for i, about_columns in enumerate(own)
        ]

    def _solved(self, answer: NDArray[np.float32], warnings: list[str]) -> Solved:
        solved = Solved({}, warnings=warnings)
        start = 0
        for output in self.encoder.outputs:
            part = answer[start : start + output.width].tolist()
            start += output.width
            if isinstance(output, LabelOutput):
                solved.values[output.column] = output.labels[part.index(max(part))]
                solved.probabilities[output.column] = dict(zip(output.labels, part, strict=True))
            else:
                _put_number(solved, output, part[0])
        return solved


def _put_number(solved: Solved, output: NumberOutput, answer: float) -> None:
    value = min(max(answer * output.std + output.mean, output.low), output.high)
    solved.values[output.column] = value
    if (bounds := output.interval(value)) is not None:
        solved.low[output.column], solved.high[output.column] = bounds


def _session(graph: bytes) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # An arena keeps the largest batch's memory for ever; rows are small, so asking the system each time is cheap.
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
