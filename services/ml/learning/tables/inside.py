"""JSON columns taken apart: the values inside them become columns of their own, found on the first lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ml.learning.tables.batch import BATCH_LINES, Batch, Cell, TableSource
from ml.learning.tables.dialect_parts import Part, PartKind
from ml.learning.tables.json_file import parsed

SAMPLE_LINES = 10_000
MOST_PARTS = 100
MOST_DEPTH = 5
LONGEST_KEY = 200
# The share of present values that must be JSON, and of those the share that must have a part.
JSON_SHARE = 0.95
PART_SHARE = 0.02
# What JSON may stand in.
_MAY_HOLD = frozenset({str, dict, list})
_Place = tuple[tuple[str, ...], PartKind]


class TakenApart:
    """A table with its parts as columns behind the column they are inside of; that column stays, as JSON."""

    def __init__(self, table: TableSource, parts: Sequence[Part]) -> None:
        self.table = table
        known = set(table.names)
        self.parts = tuple(part for part in parts if part.column in known and part.name not in known)
        self._by_column: dict[str, list[Part]] = {}
        for part in self.parts:
            self._by_column.setdefault(part.column, []).append(part)
        self.names: Sequence[str] = [
            own for name in table.names for own in (name, *(part.name for part in self._by_column.get(name, ())))
        ]

    @property
    def decimal(self) -> str:
        return self.table.decimal

    @property
    def sure_decimal(self) -> str:
        return self.table.sure_decimal

    @property
    def date_order(self) -> str:
        return self.table.date_order

    def batches(self, size: int = BATCH_LINES) -> Iterator[Batch]:
        for batch in self.table.batches(size):
            columns: list[Sequence[Cell]] = []
            for name, cells in zip(self.table.names, batch.columns, strict=True):
                columns.append(cells)
                if parts := self._by_column.get(name):
                    columns += _apart(cells, parts)
            yield Batch(batch.lines, columns, batch.bad)


def taken_apart(table: TableSource, parts: Sequence[Part]) -> TableSource:
    """The table with its parts as columns; the table itself where there are none."""
    return TakenApart(table, parts) if parts else table


def parts_of(table: TableSource) -> tuple[Part, ...]:
    """The parts that are columns of `table`."""
    return table.parts if isinstance(table, TakenApart) else ()


def row_apart(row: Mapping[str, Cell], parts: Sequence[Part]) -> dict[str, Cell]:
    """A row with its parts as columns; a part that the row names itself is taken as it is."""
    found = dict(row)
    for part in parts:
        if part.name not in row and part.column in row:
            found[part.name] = _value(_json_of(row[part.column]), part)
    return found


def inside(columns: Mapping[str, Sequence[Cell]], parts: Sequence[Part]) -> dict[str, Sequence[Cell]]:
    """The parts of columns given whole, by their names."""
    return {part.name: _apart(columns[part.column], [part])[0] for part in parts}


def find_parts(table: TableSource, types: Mapping[str, str] | None = None) -> tuple[Part, ...]:
    """The parts worth a column: those that at least one line in fifty has, of columns that are JSON.

    `types` is what a person said of columns: one she typed JSON is taken apart whatever it looks like, one of
    another type never.
    """
    sample = _first_lines(table)
    taken = set(table.names)
    found: list[Part] = []
    for place, name in enumerate(table.names):
        said = str((types or {}).get(name, ""))
        if said not in ("", "JSON"):
            continue
        cells = [cell for batch in sample for cell in batch.columns[place]]
        if _MAY_HOLD.isdisjoint(map(type, cells)):
            continue
        values = [value for value in map(_json_of, cells) if value is not None]
        present = sum(cell is not None and cell != "" for cell in cells)
        if not values or (not said and len(values) < JSON_SHARE * present):
            continue
        for part in _parts_in(name, values):
            if part.name not in taken:
                taken.add(part.name)
                found.append(part)
    return tuple(found)


def _first_lines(table: TableSource) -> list[Batch]:
    size = max(1, min(BATCH_LINES, 2_000_000 // len(table.names)))
    return list(islice(table.batches(size), max(1, SAMPLE_LINES // size)))


def _parts_in(column: str, values: Sequence[Any]) -> list[Part]:
    counts: Counter[_Place] = Counter()
    for value in values:
        counts.update(dict.fromkeys(_places(value, ()), 1))
    # Frequent first; the first met settles ties, and the order in the file is kept.
    often = {place for place, count in counts.most_common(MOST_PARTS) if count >= PART_SHARE * len(values)}
    return [Part(_name(column, *place), column, *place) for place in counts if place in often]


def _name(column: str, path: tuple[str, ...], kind: PartKind) -> str:
    return ".".join((column, *path, *(() if kind == "value" else (kind,))))


def _places(value: Any, path: tuple[str, ...]) -> Iterator[_Place]:
    if isinstance(value, dict) and len(path) < MOST_DEPTH:
        for key, inner in islice(value.items(), 1000):
            if _is_readable(key):
                yield from _places(inner, (*path, key))
    elif isinstance(value, list):
        yield path, "count"
        if any(isinstance(item, (str, int, float)) for item in value[:20]):
            yield path, "items"
    elif path and value is not None and not isinstance(value, dict):
        yield path, "value"


def _is_readable(key: str) -> bool:
    return 0 < len(key) <= LONGEST_KEY and "\x00" not in key and key.isprintable()


def _apart(cells: Sequence[Cell], parts: Sequence[Part]) -> list[list[Cell]]:
    values = [_json_of(cell) for cell in cells]
    return [[_value(value, part) for value in values] for part in parts]


def _json_of(cell: Cell) -> Any:
    """The object or list a cell holds, as itself or as text; None for anything else."""
    if isinstance(cell, (dict, list)):
        return cell
    if not isinstance(cell, str) or cell.lstrip()[:1] not in ("{", "["):
        return None
    try:
        found = parsed(cell)
    except ValueError:
        return None
    return found if isinstance(found, (dict, list)) else None


def _value(value: Any, part: Part) -> Cell:
    for key in part.path:
        value = value.get(key) if isinstance(value, dict) else None
    if part.kind == "count":
        return len(value) if isinstance(value, list) else None
    if part.kind == "items":
        return _items(value) if isinstance(value, list) else None
    return None if isinstance(value, (dict, list)) else value


def _items(value: list[Any]) -> str | None:
    texts = [str(item) for item in value if isinstance(item, (str, int, float))]
    return " ".join(texts) or None
