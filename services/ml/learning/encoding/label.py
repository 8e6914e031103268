"""The encoding of a column of labels: one-hot for the frequent ones, learnt numbers for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.values import label_of, other_spellings
from ml.learning.encoding.bins import in_memory
from ml.learning.encoding.remarks import Remarks
from ml.learning.tables.arrow_cells import ArrowCells
from ml.learning.tables.batch import Cell

MOST_MET = 65_536
_TEXTS = frozenset({str, type(None)})


class _Met(dict[Cell, int]):
    """The places of texts met so far, as they stood in their cells; of endless texts not all are kept."""

    def __init__(self, place: Callable[[Cell], int]) -> None:
        super().__init__()
        self._place = place

    def __missing__(self, cell: Cell) -> int:
        place = self._place(cell)
        if len(self) < MOST_MET:
            self[cell] = place
        return place


@dataclass(frozen=True, slots=True)
class LabelInput:
    """The first `one_hot` labels have a column each; `extra[i]` are label i's learnt numbers (target and frequency
    encoding). Then come rows for a label never seen and for a missing one."""

    column: str
    labels: tuple[str, ...]
    one_hot: int
    extra: tuple[tuple[float, ...], ...]
    extra_unseen: tuple[float, ...]
    extra_missing: tuple[float, ...]
    flags_missing: bool
    flags_unseen: bool
    # Numbers read as names too are no surprise when new; the number's own encoding says what is.
    is_number: bool = False
    _blocks: dict[str, bytes] = field(init=False, repr=False, compare=False)
    _unseen: bytes = field(init=False, repr=False, compare=False)
    _missing: bytes = field(init=False, repr=False, compare=False)
    _index: dict[str, int] = field(init=False, repr=False, compare=False)
    _met: _Met = field(init=False, repr=False, compare=False)
    _table: list[NDArray[np.float32]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Frozen, so the look-ups are set past the dataclass once.
        object.__setattr__(self, "_index", {label: i for i, label in enumerate(self.labels)})
        object.__setattr__(self, "_blocks", {label: self._block(i) for i, label in enumerate(self.labels)})
        object.__setattr__(self, "_unseen", self._apart(0.0, 1.0, self.extra_unseen))
        object.__setattr__(self, "_missing", self._apart(1.0, 0.0, self.extra_missing))
        object.__setattr__(self, "_met", _Met(self._place))
        object.__setattr__(self, "_table", [])

    @property
    def width(self) -> int:
        return self.one_hot + self.flags_missing + self.flags_unseen + len(self.extra_unseen)

    @property
    def averages(self) -> int:
        """How many of its last columns were learnt from the outputs."""
        return len(self.extra_unseen)

    @property
    def plain(self) -> list[bool]:
        return [True] * self.width

    def row(self, cell: Cell, remarks: list[str]) -> bytes:
        if type(cell) is str and (learnt := self._blocks.get(cell)) is not None:
            return learnt
        label = label_of(cell)
        if label is None:
            return self._missing
        block = self._blocks.get(label)
        if block is None and (known := self._respelt(label)) is not None:
            block = self._blocks[known]
        if block is None:
            if not self.is_number:
                remarks.append(unseen(self.column, label))
            return self._unseen
        return block

    def batch(self, cells: Sequence[Cell], remarks: Remarks) -> NDArray[np.float32]:
        places = self.places(cells)
        surprising = [] if self.is_number else np.flatnonzero(places == len(self.labels)).tolist()
        for i in surprising:
            remarks.add(i, unseen(self.column, label_of(cells[i]) or ""))
        return self.table()[places]

    def places(self, cells: Sequence[Cell]) -> NDArray[np.int32]:
        """Each cell's row in `table()`."""
        if isinstance(cells, ArrowCells) and cells.is_text:
            different, places = cells.different()
            return self.places(different)[places]
        # Other types are not looked up: 1, 1.0 and true are one key, but three labels.
        place = self._met.__getitem__ if set(map(type, cells)) <= _TEXTS else self._place
        return np.fromiter(map(place, cells), dtype=np.int32, count=len(cells))

    def table(self) -> NDArray[np.float32]:
        """A row for each label, then one for an unseen and one for a missing label."""
        if not self._table:
            rows = [*self._blocks.values(), self._unseen, self._missing]
            self._table.append(np.frombuffer(b"".join(rows), dtype=np.float32).reshape(len(rows), self.width))
        return self._table[0]

    def _place(self, cell: Cell) -> int:
        label = label_of(cell)
        if label is None:
            return len(self.labels) + 1
        known = label if label in self._index else self._respelt(label)
        return len(self.labels) if known is None else self._index[known]

    def _respelt(self, label: str) -> str | None:
        return next((other for other in other_spellings(label) if other in self._blocks), None)

    def _block(self, i: int) -> bytes:
        hot = [0.0] * self.one_hot
        if i < self.one_hot:
            hot[i] = 1.0
        return in_memory([*hot, *[0.0] * (self.flags_missing + self.flags_unseen), *self.extra[i]])

    def _apart(self, missing: float, unseen: float, extra: Sequence[float]) -> bytes:
        """The block of what is none of the labels."""
        flags = [missing] * self.flags_missing + [unseen] * self.flags_unseen
        return in_memory([*[0.0] * self.one_hot, *flags, *extra])


def unseen(column: str, label: str) -> str:
    return f"{column}: {label[:40]!r} was not, or hardly ever, learnt from"
