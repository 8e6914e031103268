"""A Parquet file read row group by row group, its nested values as JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ml.learning.errors import BinaryFile, EmptyTable, OneColumn, TableError
from ml.learning.tables.arrow_cells import ArrowCells
from ml.learning.tables.arrow_values import is_number, is_text
from ml.learning.tables.batch import BATCH_LINES, Batch, Cell
from ml.learning.tables.csv_file import check_names
from ml.learning.tables.dialect import Dialect

# Few bytes can say that a value stands in endless lines.
MOST_CELLS = 4_000_000_000
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class ParquetTable:
    """A Parquet file on disk."""

    file_format = "parquet"
    DIALECT = ("date_order",)
    decimal = "."
    sure_decimal = ""
    share = 0.0

    def __init__(
        self, path: Path, dialect: Dialect | None = None, *, name: str | None = None, least_columns: int = 2
    ) -> None:
        self.path = path
        self.dialect = dialect or Dialect()
        self.name = name or path.name
        try:
            schema, lines = pq.read_schema(path), pq.read_metadata(path).num_rows
        except (pa.ArrowException, OSError) as error:
            raise BinaryFile(self.name, "a Parquet file that is cut short or damaged") from error
        self.names: Sequence[str] = [str(name) for name in schema.names]
        check_names(self.name, self.names)
        if lines * len(self.names) > MOST_CELLS:
            raise TableError(f"{self.name} says that it holds {lines} lines, more than can be read: send a part of it.")
        if lines == 0:
            raise EmptyTable(self.name)
        if len(self.names) < least_columns:
            raise OneColumn(self.name, "Parquet")

    @property
    def date_order(self) -> str:
        return self.dialect.date_order

    def batches(self, size: int = BATCH_LINES) -> Iterator[Batch]:
        line = 1
        try:
            with pq.ParquetFile(self.path) as file:
                lines = file.metadata.num_rows
                for part in file.iter_batches(batch_size=size):
                    yield Batch(range(line, line + part.num_rows), [_as_needed(column) for column in part.columns])
                    line += part.num_rows
                    self.share = line / (lines + 1)
        except pa.ArrowMemoryError:
            raise  # it may be whole, but holds more than fits
        except (pa.ArrowException, OSError) as error:
            raise BinaryFile(self.name, "a Parquet file that is cut short or damaged") from error


def _as_needed(column: pa.Array) -> Sequence[Cell]:
    return ArrowCells(column, _values) if is_text(column) or is_number(column) else cells_of(column)


def cells_of(column: pa.Array) -> list[Cell]:
    """The cells of a column as the reader of any table takes them."""
    if pa.types.is_nested(column.type):
        return [None if cell is None else json.dumps(cell, default=str) for cell in _values(column)]
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_duration(column.type):
        return _seconds(column)
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        # datetime has no nanoseconds; without this cast pyarrow would ask for pandas.
        column = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False)
    cells = _values(column)
    if pa.types.is_decimal(column.type):
        return [float(cell) if isinstance(cell, Decimal) else None for cell in cells]
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [cell.decode(errors="replace") if isinstance(cell, bytes) else None for cell in cells]
    return cells


def _seconds(column: pa.Array) -> list[Cell]:
    """How many seconds each span of time lasts, whatever unit it is told in."""
    in_a_second = _UNITS[column.type.unit]
    return [None if units is None else units / in_a_second for units in column.cast(pa.int64()).to_pylist()]


def _values(column: pa.Array) -> list[Cell]:
    """The values as Python's; one that Python has no room for, such as a day in the year 3000000, is missing."""
    try:
        found: list[Cell] = column.to_pylist()
        return found
    except (OverflowError, ValueError):
        return [_value(cell) for cell in column]


def _value(cell: pa.Scalar) -> Cell:
    try:
        return cell.as_py()
    except (OverflowError, ValueError):
        return None
