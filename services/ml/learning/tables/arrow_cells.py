"""A column as Arrow read it: its cells are made into Python's only for those who ask for them one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from ml.learning.tables.batch import Cell

if TYPE_CHECKING:
    # Solving a row loads no Arrow: only who has such a column has it loaded.
    import pyarrow as pa


class ArrowCells(Sequence[Cell]):
    """Texts or numbers; `array` is what stands in them, `read` makes Python's cells of it."""

    __slots__ = ("_cells", "_read", "array")

    def __init__(self, array: pa.Array, read: Callable[[pa.Array], list[Cell]]) -> None:
        self.array = array
        self._read = read
        self._cells: list[Cell] | None = None

    @property
    def cells(self) -> list[Cell]:
        """All of them as Python's."""
        if self._cells is None:
            self._cells = self._read(self.array)
        return self._cells

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Cell]:
        return iter(self.cells)

    def __contains__(self, cell: object) -> bool:
        return cell in self.cells

    @overload
    def __getitem__(self, place: int) -> Cell: ...
    @overload
    def __getitem__(self, place: slice) -> ArrowCells: ...
    def __getitem__(self, place: int | slice) -> Cell | ArrowCells:
        return ArrowCells(self.array[place], self._read) if isinstance(place, slice) else self.cells[place]

    def joined(self, other: Sequence[Cell]) -> ArrowCells | None:
        """These and the others behind them; None where those are of another kind."""
        if not isinstance(other, ArrowCells) or other.array.type != self.array.type:
            return None
        from pyarrow import concat_arrays

        return ArrowCells(concat_arrays([self.array, other.array]), self._read)

    @property
    def is_text(self) -> bool:
        from ml.learning.tables.arrow_values import is_text

        return is_text(self.array)

    @property
    def blank(self) -> NDArray[np.bool_]:
        """Where there is nothing: no value, an empty text, no number."""
        from ml.learning.tables.arrow_values import blank

        return blank(self.array)

    def numbers(self) -> NDArray[np.float64] | None:
        """Each cell as float() reads it, NaN where it is blank; None where float() might read any of them otherwise."""
        from pyarrow import ArrowInvalid

        from ml.learning.tables.arrow_values import doubles

        try:
            return doubles(self.array)
        except ArrowInvalid:
            return None

    def different(self) -> tuple[list[Cell], NDArray[np.int32]]:
        """Each cell that there is once, and which of them each is."""
        from ml.learning.tables.arrow_values import different

        values, places = different(self.array)
        return self._read(values), places
