"""What the outputs were, on average, on each day or in each hour that came again and again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.learning.encoding.bins import in_memory


@dataclass(frozen=True, slots=True)
class LearntDays:
    """`rows[i]` are the learnt numbers of the `keys[i]`-th stretch of `seconds` since 1970; any other gets `unseen`."""

    seconds: int
    keys: tuple[int, ...]
    rows: tuple[tuple[float, ...], ...]
    unseen: tuple[float, ...]
    _rows: dict[int, bytes] = field(init=False, repr=False, compare=False)
    _unseen: bytes = field(init=False, repr=False, compare=False)
    _table: NDArray[np.float32] = field(init=False, repr=False, compare=False)
    _keys: NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Frozen, so the look-ups are set past the dataclass once.
        rows = {key: in_memory(row) for key, row in zip(self.keys, self.rows, strict=True)}
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_unseen", in_memory(self.unseen))
        table = np.array([*self.rows, self.unseen], dtype=np.float32).reshape(len(self.keys) + 1, self.width)
        object.__setattr__(self, "_table", table)
        object.__setattr__(self, "_keys", np.array(self.keys, dtype=np.int64))

    @property
    def width(self) -> int:
        return len(self.unseen)

    def row(self, moment: float | None) -> bytes:
        return self._unseen if moment is None else self._rows.get(int(moment // self.seconds), self._unseen)

    def batch(self, moments: NDArray[np.float64]) -> NDArray[np.float32]:
        return self._table[self.places(moments)]

    def places(self, moments: NDArray[np.float64]) -> NDArray[np.int64]:
        """Each moment's row, the last one for what is not known."""
        if not self.keys:
            return np.zeros(moments.size, dtype=np.int64)
        keys = self._keys
        asked = np.where(np.isnan(moments), np.inf, np.floor(moments / self.seconds))
        found = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
        return np.where(keys[found] == asked, found, len(keys))
