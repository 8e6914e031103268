"""Opens a file by what is in it, not by what it is called."""

from __future__ import annotations

from pathlib import Path

from ml.learning.errors import EmptyTable, TableError
from ml.learning.tables.batch import TableSource
from ml.learning.tables.csv_file import CsvTable
from ml.learning.tables.dialect import Dialect


def open_table(path: Path, dialect: Dialect | None = None, *, name: str | None = None) -> TableSource:
    """A table ready to be read in batches, as often as needed.

    Raises EmptyTable, BinaryFile, WrongEncoding, OneColumn, DuplicateHeaders, TableError; each says what to do.
    """
    shown = name or path.name
    if not path.is_file():
        raise TableError(f"There is no file {shown}: check its name.")
    with path.open("rb") as file:
        magic = file.read(4)
    if not magic:
        raise EmptyTable(shown)
    if magic == b"PAR1":
        from ml.learning.tables.parquet_file import ParquetTable

        return ParquetTable(path, name=shown)
    return CsvTable(path, dialect, name=shown)
