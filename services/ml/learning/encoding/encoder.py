"""The whole encoding of a machine, read from and written to encoder.json."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.learning.encoding.bins import Bins
from ml.learning.encoding.label import LabelInput
from ml.learning.encoding.learnt_days import LearntDays
from ml.learning.encoding.moment import MomentInput
from ml.learning.encoding.number import NumberInput
from ml.learning.encoding.outputs import LabelOutput, NumberOutput, Output
from ml.learning.encoding.remarks import Remarks
from ml.learning.encoding.text import TextInput
from ml.learning.errors import ModelDamaged
from ml.learning.tables.batch import Cell
from ml.learning.tables.dialect_parts import Part, parts_from_json

VERSION = 1

Input = NumberInput | LabelInput | MomentInput | TextInput
_DAYS = ("seconds", "keys", "rows", "unseen")


@dataclass(frozen=True)
class Encoder:
    """Inputs in the order of the network's columns, outputs in the order of its answers.

    `ignored` are columns of the learnt table that play no part: they are no surprise in a row to be solved.
    `parts` are inputs that stand inside other columns, which rows may give whole.
    """

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    ignored: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    @cached_property
    def width(self) -> int:
        return sum(entry.width for entry in self.inputs)

    @cached_property
    def input_columns(self) -> tuple[str, ...]:
        # A column may be encoded in more than one way.
        return tuple(dict.fromkeys(entry.column for entry in self.inputs))

    @cached_property
    def known_columns(self) -> frozenset[str]:
        return frozenset((*self.input_columns, *self.ignored, *(output.column for output in self.outputs)))

    @cached_property
    def _inputs_alone(self) -> frozenset[str]:
        return frozenset(self.input_columns)

    @cached_property
    def _readers(self) -> list[tuple[str, Callable[[Cell, list[str]], bytes]]]:
        return [(entry.column, entry.row) for entry in self.inputs]

    @cached_property
    def plain(self) -> NDArray[np.intp]:
        """The columns a linear model is given."""
        return np.flatnonzero([flag for entry in self.inputs for flag in entry.plain])

    @cached_property
    def numbers(self) -> NDArray[np.intp]:
        """Where the scaled value of each number and moment is."""
        starts = np.cumsum([0, *(entry.width for entry in self.inputs)])
        pairs = zip(self.inputs, starts, strict=False)
        return np.array(
            [start for entry, start in pairs if isinstance(entry, NumberInput | MomentInput)], dtype=np.intp
        )

    @cached_property
    def averages(self) -> NDArray[np.intp]:
        """The columns that were learnt from the outputs: what those were, on average, for a label or a day."""
        ends = np.cumsum([entry.width for entry in self.inputs])
        spans = zip(self.inputs, ends, strict=True)
        return np.array([i for entry, end in spans for i in range(end - entry.averages, end)], dtype=np.intp)

    def reading(self, decimal: str) -> Encoder:
        """The same for cells that write their numbers with this sign; empty, with that of the learnt table."""
        if not decimal or all(entry.decimal == decimal for entry in self.inputs if isinstance(entry, NumberInput)):
            return self
        own = (replace(entry, decimal=decimal) if isinstance(entry, NumberInput) else entry for entry in self.inputs)
        return replace(self, inputs=tuple(own))

    def column_spans(self) -> dict[str, list[tuple[int, int]]]:
        """Where in a row each input column went."""
        found: dict[str, list[tuple[int, int]]] = {}
        start = 0
        for entry in self.inputs:
            found.setdefault(entry.column, []).append((start, start + entry.width))
            start += entry.width
        return found

    def row(self, row: Mapping[str, Cell]) -> tuple[bytes, list[str]]:
        """One row as the network's columns, as they lie in memory, and what is to be said about it."""
        remarks = [] if row.keys() == self._inputs_alone else self.remarks_on_columns(row.keys())
        encoded = b"".join([read(row.get(column), remarks) for column, read in self._readers])
        return encoded, list(dict.fromkeys(remarks)) if remarks else remarks

    def batch(self, columns: Mapping[str, Sequence[Cell]], lines: int) -> tuple[NDArray[np.float32], Remarks]:
        """Many rows, given column by column; equal to `row` on each, bit by bit."""
        remarks = Remarks()
        remarks.for_all = self.remarks_on_columns(columns.keys())
        nothing: list[Cell] = [None] * lines
        blocks = [entry.batch(columns.get(entry.column, nothing), remarks) for entry in self.inputs]
        return np.concatenate(blocks, axis=1) if blocks else np.zeros((lines, 0), np.float32), remarks

    def remarks_on_columns(self, given: Collection[str]) -> list[str]:
        remarks = [f"{name}: this column is missing" for name in self.input_columns if name not in given]
        unknown = (name for name in given if name not in self.known_columns)
        remarks += [f"{name}: this column is not known to the machine" for name in unknown]
        return remarks

    def to_json(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "width": self.width,
            "inputs": [_entry_to_json(entry) for entry in self.inputs],
            "outputs": [_output_to_json(output) for output in self.outputs],
            "ignored": list(self.ignored),
            **({"parts": [part.to_json() for part in self.parts]} if self.parts else {}),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Encoder:
        """Raises ModelDamaged for a version this code does not read."""
        if found.get("version") != VERSION:
            raise ModelDamaged(
                f"The encoder is of version {found.get('version')!r}, this TITAN reads {VERSION}: "
                "train the machine again."
            )
        return cls(
            tuple(_entry_from_json(entry) for entry in found["inputs"]),
            tuple(_output_from_json(output) for output in found["outputs"]),
            tuple(found["ignored"]),
            parts_from_json(found.get("parts")),
        )


def _entry_to_json(entry: Input) -> dict[str, Any]:
    fields = _fields(entry)
    if isinstance(entry, LabelInput):
        return {"kind": "label", **fields}
    if isinstance(entry, TextInput):
        return {"kind": "text", **fields}
    fields["bins"] = _fields(entry.bins)
    if isinstance(entry, NumberInput):
        return fields
    learnt = [{name: getattr(days, name) for name in _DAYS} for days in entry.learnt]
    return {"kind": "moment", **fields, "learnt": learnt}


def _fields(entry: Input | Bins) -> dict[str, Any]:
    """All but what is made of them."""
    return {name: getattr(entry, name) for name in entry.__slots__ if not name.startswith("_")}


def _entry_from_json(found: Mapping[str, Any]) -> Input:
    kind, fields = found["kind"], {name: value for name, value in found.items() if name != "kind"}
    if kind == "label":
        for name in ("labels", "extra_unseen", "extra_missing"):
            fields[name] = tuple(fields[name])
        fields["extra"] = tuple(tuple(row) for row in fields["extra"])
        return LabelInput(**fields)
    if kind == "text":
        return TextInput(**fields)
    fields["bins"] = Bins(**{**fields["bins"], "edges": tuple(fields["bins"]["edges"])})
    if kind == "moment":
        learnt = tuple(
            LearntDays(days["seconds"], tuple(days["keys"]), tuple(map(tuple, days["rows"])), tuple(days["unseen"]))
            for days in fields.get("learnt", ())
        )
        return MomentInput(**{**fields, "parts": tuple(fields["parts"]), "learnt": learnt})
    return NumberInput(**fields, kind=kind)


def _output_to_json(output: Output) -> dict[str, Any]:
    return {"kind": "label" if isinstance(output, LabelOutput) else "number", **asdict(output)}


def _output_from_json(found: Mapping[str, Any]) -> Output:
    fields = {name: value for name, value in found.items() if name != "kind"}
    if found["kind"] == "label":
        return LabelOutput(**{**fields, "labels": tuple(fields["labels"])})
    return NumberOutput(**{**fields, "intervals": tuple(tuple(part) for part in fields["intervals"])})
