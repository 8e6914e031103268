"""A Parquet file read row group by row group, its nested values as JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ml.learning.errors import BinaryFile, EmptyTable, OneColumn
from ml.learning.tables.batch import BATCH_LINES, Batch, Cell
from ml.learning.tables.csv_file import check_names
from ml.learning.tables.dialect import Dialect


class ParquetTable:
    """A Parquet file on disk."""

    file_format = "parquet"
    DIALECT = ("date_order",)
    decimal = "."

    def __init__(self, path: Path, dialect: Dialect | None = None, *, name: str | None = None) -> None:
        self.path = path
        self.dialect = dialect or Dialect()
        self.name = name or path.name
        try:
            schema, lines = pq.read_schema(path), pq.read_metadata(path).num_rows
        except (pa.ArrowException, OSError) as error:
            raise BinaryFile(self.name, "a Parquet file that is cut short or damaged") from error
        self.names: Sequence[str] = [str(name) for name in schema.names]
        check_names(self.name, self.names)
        if lines == 0:
            raise EmptyTable(self.name)
        if len(self.names) < 2:
            raise OneColumn(self.name, "Parquet")

    @property
    def date_order(self) -> str:
        return self.dialect.date_order

    def batches(self, size: int = BATCH_LINES) -> Iterator[Batch]:
        line = 1
        with pq.ParquetFile(self.path) as file:
            for part in file.iter_batches(batch_size=size):
                yield Batch(range(line, line + part.num_rows), [_cells(column) for column in part.columns])
                line += part.num_rows


def _cells(column: pa.Array) -> list[Cell]:
    if pa.types.is_nested(column.type):
        return [None if cell is None else json.dumps(cell, default=str) for cell in column.to_pylist()]
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        # datetime has no nanoseconds; without this cast pyarrow would ask for pandas.
        column = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False)
    cells: list[Cell] = column.to_pylist()
    if pa.types.is_decimal(column.type):
        return [float(cell) if isinstance(cell, Decimal) else None for cell in cells]
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [cell.decode(errors="replace") if isinstance(cell, bytes) else None for cell in cells]
    return cells
