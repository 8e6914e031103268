"""The start of a table as it would be read: what the correction page redraws while a person tries other signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ml.learning.columns.values import moment_of
from ml.learning.errors import LearningError
from ml.learning.tables.csv_file import CsvTable
from ml.learning.tables.dialect import Dialect
from ml.models import DataLine
from ml.store import place
from service_base.errors import BadInput

SHOWN_ROWS = 8
SHOWN_BAD = 5
SHOWN_COLUMNS = 200
LOOKED_AT = 1 << 18
_EPOCH_DAYS = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Start:
    """The first rows; a value with how it reads as a date, where its column holds dates. `bad` are the first lines
    set aside; `is_new` tells a trial from what is kept."""

    names: list[str]
    rows: list[list[tuple[Any, str]]]
    bad: list[dict[str, Any]]
    is_new: bool = False


def start_as_read(line: DataLine, dialect: Mapping[str, Any], *, is_new: bool = False) -> Start:
    """The start of the stretch, cut as `dialect` says; what was kept of it where the cutting is the same.

    Looks at no more than the first part of the file. Raises BadInput with what is wrong with it.
    """
    if is_new and line.file_format == "csv":
        names, rows, bad = _cut(line, dialect)
    else:
        names, rows, bad = line.column_names, line.first_rows[:SHOWN_ROWS], line.bad_lines[:SHOWN_BAD]
    said, found = dialect.get("date_order", ""), line.dialect.get("date_orders", {})
    orders = {place: said or found[name] for place, name in enumerate(names) if name in found}
    return Start(
        list(names[:SHOWN_COLUMNS]),
        [[(cell, _as_date(cell, orders.get(place))) for place, cell in enumerate(row[:SHOWN_COLUMNS])] for row in rows],
        bad,
        is_new,
    )


def _cut(line: DataLine, dialect: Mapping[str, Any]) -> tuple[list[str], list[list[Any]], list[dict[str, Any]]]:
    try:
        table = CsvTable(
            place(line.path), Dialect.from_json(dialect), name=line.file_name or "The file", most_bytes=LOOKED_AT
        )
        # Far fewer lines than the look holds: where it ends in the middle of one, that one is not shown.
        batch = next(iter(table.batches(100)), None)
    except LearningError as error:
        raise BadInput(str(error), field=error.field or "separator") from error
    if batch is None:
        return list(table.names), [], []
    rows = [list(row) for row in zip(*batch.columns, strict=True)][:SHOWN_ROWS]
    bad = [{"line": bad.line, "reason": bad.reason, "text": bad.text} for bad in batch.bad[:SHOWN_BAD]]
    return list(table.names), rows, bad


def _as_date(cell: Any, order: str | None) -> str:
    """How a text reads as a date, where it could be read otherwise; nothing for any other value."""
    if order is None or not isinstance(cell, str) or cell[:4].isdigit():
        return ""
    seconds = moment_of(cell, order)
    return "no date" if seconds is None else date.fromordinal(int(seconds // 86_400) + _EPOCH_DAYS).isoformat()
