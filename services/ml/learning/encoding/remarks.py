"""What there is to say about single rows of a batch, kept only for the rows that need it."""

from __future__ import annotations

from collections.abc import Iterator


class Remarks:
    """Row number to sentences; most rows have none."""

    def __init__(self) -> None:
        self._by_row: dict[int, list[str]] = {}
        self.for_all: list[str] = []

    def add(self, row: int, sentence: str) -> None:
        self._by_row.setdefault(row, []).append(sentence)

    def of(self, row: int) -> list[str]:
        return [*self.for_all, *self._by_row.get(row, ())]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows that have remarks of their own, in order."""
        yield from sorted(self._by_row.items())

    @property
    def row_count(self) -> int:
        """Rows with a remark of their own."""
        return len(self._by_row)
