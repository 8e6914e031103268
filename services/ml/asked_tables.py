"""Rows of a request that came as a table, CSV or an Arrow stream, and answers that go out as one."""

from __future__ import annotations

import csv
import io
import struct
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml.learning.tables.batch import Cell
from ml.learning.tables.dialect import sure_decimal_of
from ml.rules.kinds import Kind
from service_base.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

MOST_LINES = 10_000
MOST_COLUMNS = 10_000
SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class AskedTable:
    """Rows to be solved, column by column."""

    columns: dict[str, Sequence[Cell]]
    lines: int
    # With which sign its numbers are written, where that is sure; empty, as in the table that was learnt from.
    decimal: str = ""

    def rows(self) -> list[dict[str, Cell]]:
        """The same row by row."""
        names = list(self.columns)
        return [dict(zip(names, values, strict=True)) for values in zip(*self.columns.values(), strict=True)]


def table_of_rows(rows: Sequence[Mapping[str, Cell]]) -> AskedTable:
    """Rows as columns. Raises BadInput naming the first column that a row lacks and others have."""
    names = dict.fromkeys(name for row in rows for name in row)
    for place, row in enumerate(rows):
        if lacking := next((name for name in names if name not in row), None):
            detail = f"Row {place + 1} lacks the column {lacking!r}; give null where its value is not known."
            raise BadInput(detail, field=lacking)
    return AskedTable({name: [row.get(name) for row in rows] for name in names}, len(rows))


def read_table(body: bytes, kind: Kind, needed: Collection[str]) -> AskedTable:
    """The body as a table. Raises BadInput naming the line or the column that cannot be read."""
    return _read_csv(body, needed) if kind is Kind.CSV else _read_arrow(body)


def _read_csv(body: bytes, needed: Collection[str]) -> AskedTable:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"Byte {error.start + 1} of the body is not UTF-8: send the CSV as UTF-8.", field="body"
        ) from None
    separator = _separator(text, needed)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    names: list[str] = []
    rows: list[list[str]] = []
    try:
        for row in lines:
            if not names:
                names = [name.strip() for name in row]
                _check_names(names)
            elif row:
                _check_width(row, names, lines.line_num)
                rows.append(row)
            if len(rows) > MOST_LINES:
                break
    except csv.Error as error:
        raise BadInput(f"Line {lines.line_num} cannot be cut into fields: {error}.", field="body") from None
    _check_count(len(rows))
    columns: dict[str, Sequence[Cell]] = dict(zip(names, zip(*rows, strict=True), strict=True))
    return AskedTable(columns, len(rows), sure_decimal_of(rows, separator))


def _separator(text: str, needed: Collection[str]) -> str:
    """The sign that cuts the first line into the most names that the machine knows."""
    # Lines end as they do where the rows are read: by \r alone as well.
    lines = io.StringIO(text.lstrip("\r\n"), newline="")

    def known(separator: str) -> int:
        lines.seek(0)
        try:
            names = next(csv.reader(lines, delimiter=separator), [])
        except csv.Error:
            return 0  # whoever reads the rows says what is wrong
        return len({name.strip() for name in names} & set(needed))

    return max(SEPARATORS, key=known)


def _check_width(row: list[str], names: list[str], line: int) -> None:
    if len(row) != len(names):
        raise BadInput(f"Line {line} has {len(row)} fields where the first line names {len(names)}.", field="body")


def _check_names(names: Sequence[str]) -> None:
    if len(names) > MOST_COLUMNS:
        raise BadInput(f"The body has {len(names)} columns; at most {MOST_COLUMNS} are taken.", field="body")
    if twice := next((name for name, count in Counter(names).items() if count > 1), None):
        raise BadInput(f"The column {twice!r} stands twice: give each a name of its own.", field=twice)


def _check_count(lines: int) -> None:
    if not 1 <= lines <= MOST_LINES:
        raise BadInput(f"Send 1 to {MOST_LINES} lines at a time; for more, solve a file.", field="body")


def _read_arrow(body: bytes) -> AskedTable:
    import pyarrow as pa

    from ml.learning.tables.parquet_file import cells_of

    try:
        _refuse_compressed(body)
        with pa.ipc.open_stream(pa.py_buffer(body)) as stream:
            _check_names(stream.schema.names)
            for column in stream.schema:
                _check_type(column)
            batches = _batches(stream)
        table = pa.Table.from_batches(batches, stream.schema)
        table.validate(full=True)
        columns: dict[str, Sequence[Cell]] = {
            name: [cell for part in column.chunks for cell in cells_of(part)]
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        raise BadInput(f"The body is no Arrow stream that can be read: {str(error)[:200]}", field="body") from None
    return AskedTable(columns, table.num_rows)


def _batches(stream: pa.RecordBatchStreamReader) -> list[pa.RecordBatch]:
    """The stream's batches, no more of them than are solved at once."""
    found: list[pa.RecordBatch] = []
    lines = 0
    for batch in stream:
        lines += batch.num_rows
        if lines > MOST_LINES:
            break
        found.append(batch)
    _check_count(lines)
    return found


def _check_type(column: pa.Field) -> None:
    """Lists and the like are refused: what they hold can be larger than what says so by any factor."""
    import pyarrow.types as kinds

    own = column.type.value_type if kinds.is_dictionary(column.type) else column.type
    is_flat = kinds.is_primitive(own) or kinds.is_null(own) or kinds.is_decimal(own) or kinds.is_boolean(own)
    if not (is_flat or kinds.is_string(own) or kinds.is_large_string(own)):
        raise BadInput(
            f"{column.name!r} is {column.type}; send numbers, texts, dates, truths, or JSON as text.", field=column.name
        )


# Where Arrow's messages have what is looked at: the places of the fields in their FlatBuffers tables.
_HEADER, _COMPRESSION, _DATA = 2, 3, 1


def _refuse_compressed(body: bytes) -> None:
    """A few compressed bytes can stand for any number of them."""
    import pyarrow as pa

    for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(body)):
        if message.type not in ("record batch", "dictionary"):
            continue
        facts = bytes(message.metadata)
        header = _table_at(facts, _field(facts, struct.unpack_from("<I", facts)[0], _HEADER))
        if message.type == "dictionary":
            header = _table_at(facts, _field(facts, header, _DATA))
        if _field(facts, header, _COMPRESSION):
            raise BadInput("The Arrow stream is compressed: write it without compression.", field="body")


def _field(facts: bytes, table: int, place: int) -> int:
    """Where the field of a table is; 0 when it is not there."""
    shape = table - struct.unpack_from("<i", facts, table)[0]
    offset = 4 + 2 * place
    if offset >= struct.unpack_from("<H", facts, shape)[0]:
        return 0
    found: int = struct.unpack_from("<H", facts, shape + offset)[0]
    return table + found if found else 0


def _table_at(facts: bytes, field: int) -> int:
    return field + int(struct.unpack_from("<I", facts, field)[0])


def written(columns: Mapping[str, Sequence[Any]], kind: Kind) -> bytes:
    """Columns of answers as a body."""
    import numpy as np

    from ml.learning.answer_formats import WRITERS

    body = io.BytesIO()
    with WRITERS[kind.value](body) as write:
        write({name: np.array(values, dtype=_type_of(values)) for name, values in columns.items()})
    return body.getvalue()


def _type_of(values: Sequence[Any]) -> type:
    return object if isinstance(values[0], str) else float
