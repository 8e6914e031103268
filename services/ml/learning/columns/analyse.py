"""One streamed pass over a table: statistics and type of each column, and the lines that were bad."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from ml.learning.columns.infer import ColumnReport, ColumnType, date_order, infer_type, misfit_of
from ml.learning.columns.statistics import COUNTED_VALUES, ColumnStatistics
from ml.learning.errors import EmptyTable, UnknownColumns
from ml.learning.tables.batch import BadLine, TableSource
from ml.learning.tables.dialect_parts import Part
from ml.learning.tables.inside import parts_of

KEPT_BAD_LINES = 100
# Values held while reading: for all columns together, but for each at least so many.
KEPT_IN_ALL = 3_000_000
LEAST_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class TableReport:
    """What a table holds. `bad_lines` are the first ones in full, `bad_line_count` is all of them."""

    columns: dict[str, ColumnReport]
    line_count: int
    bad_lines: list[BadLine]
    bad_line_count: int
    decimal: str
    parts: tuple[Part, ...] = ()


def analyse(
    table: TableSource,
    *,
    outputs: Collection[str] = (),
    types: Mapping[str, ColumnType] | None = None,
    on_lines: Callable[[int], None] | None = None,
) -> TableReport:
    """Read `table` once and say what each column is; `types` overrides what would be inferred.

    `on_lines` hears how many lines were read so far. Raises UnknownColumns, EmptyTable and what reading raises.
    """
    chosen = types or {}
    if unknown := [name for name in (*outputs, *chosen) if name not in table.names]:
        raise UnknownColumns(unknown, table.names)
    most_kept = max(LEAST_KEPT, min(COUNTED_VALUES, KEPT_IN_ALL // len(table.names)))
    gathered = {name: ColumnStatistics(decimal=table.decimal, most_kept=most_kept) for name in table.names}
    lines = bad_count = 0
    bad_lines: list[BadLine] = []
    for batch in table.batches():
        for statistics, cells in zip(gathered.values(), batch.columns, strict=True):
            statistics.add(cells)
        lines += len(batch.lines)
        bad_count += len(batch.bad)
        bad_lines += batch.bad[: KEPT_BAD_LINES - len(bad_lines)]
        if on_lines:
            on_lines(lines)
    if not lines:
        raise EmptyTable("The table")
    columns = {
        name: _report(name, statistics, chosen.get(name), table.date_order, is_output=name in outputs)
        for name, statistics in gathered.items()
    }
    parts = parts_of(table)
    for name, column in columns.items():
        if column.type is ColumnType.JSON:
            columns[name] = _about_parts(column, [part.name for part in parts if part.column == name])
    return TableReport(columns, lines, bad_lines, bad_count, table.decimal, parts)


def _about_parts(column: ColumnReport, names: list[str]) -> ColumnReport:
    """What became of a JSON column."""
    if not names:
        return replace(column, warnings=[*column.warnings, "ignored: there is nothing inside it to learn from"])
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    return replace(column, reason=f"{column.reason}; taken apart into {shown}")


def _report(
    name: str, s: ColumnStatistics, chosen: ColumnType | None, said_order: str, *, is_output: bool
) -> ColumnReport:
    inferred, reason, warnings = infer_type(s, is_output=is_output, is_order_said=bool(said_order))
    order, summary = said_order or date_order(s), s.summary()
    if chosen is None:
        return ColumnReport(name, inferred, reason, summary, order, [], warnings)
    misfit = misfit_of(s, chosen)
    return ColumnReport(
        name,
        chosen,
        f"chosen; {inferred} was inferred: {reason}",
        summary,
        order,
        [misfit] if misfit else [],
        [],
    )
