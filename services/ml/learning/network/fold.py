"""One part of the lines: what a member learns from, what it is watched on, and how it sees both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Own:
    """Columns that this fold sees in its own way: `values` has a row for every line of the table."""

    columns: Rows
    values: Floats


@dataclass(frozen=True, slots=True)
class Fold:
    """What one member learns from and what it is watched on.

    Averages of outputs are its `own`: they know nothing of the lines it is watched on. Else those would be answered
    better than any new line, and what is chosen by watching would be chosen wrong.
    """

    learn: Rows
    watch: Rows
    own: Own | None = None

    def rows(self, x: Floats, lines: Rows) -> Floats:
        """The lines as this fold sees them."""
        found: Floats = x[lines]
        self.show(found, lines)
        return found

    def show(self, block: Floats, lines: Rows) -> None:
        """Put its own columns into a block of lines, in place; more columns may follow in the block."""
        if self.own is not None:
            block[..., self.own.columns] = self.own.values[lines]

    def among(self, columns: Rows) -> Fold:
        """The same fold for a table of these columns alone."""
        if self.own is None:
            return self
        kept = np.isin(self.own.columns, columns)
        places = np.searchsorted(columns, self.own.columns[kept])
        return replace(self, own=Own(places, self.own.values[:, kept]))
