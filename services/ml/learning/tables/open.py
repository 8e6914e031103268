"""Opens a file by what is in it, not by what it is called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from ml.learning.errors import EmptyTable, TableError
from ml.learning.tables.batch import TableSource
from ml.learning.tables.csv_file import CsvTable, dialect_of
from ml.learning.tables.dialect import Dialect


class FileTable(TableSource, Protocol):
    """A table in a file: what kind of file it is, how it is written, and which parts of that can be corrected."""

    @property
    def file_format(self) -> str: ...

    @property
    def DIALECT(self) -> tuple[str, ...]: ...

    @property
    def dialect(self) -> Dialect: ...

    @property
    def share(self) -> float:
        """How much of the file the newest reading of its batches has behind it, 0 to 1."""
        ...


def open_table(
    path: Path,
    dialect: Dialect | None = None,
    *,
    name: str | None = None,
    file_format: str = "",
    said: Mapping[str, Any] | None = None,
    least_columns: int = 2,
) -> FileTable:
    """A table ready to be read in batches, as often as needed.

    `dialect` is all of how it is written; without it that is found, except for what was `said`. To be solved, one
    column is enough: `least_columns`. Raises EmptyTable, BinaryFile, WrongEncoding, OneColumn, DuplicateHeaders,
    TableError; each says what to do.
    """
    shown = name or path.name
    if not path.is_file():
        raise TableError(f"There is no file {shown}: check its name.")
    kind = file_format or format_in(path)
    if not kind:
        raise EmptyTable(shown)
    if dialect is None and kind == "csv":
        dialect = dialect_of(path, name=shown, said=said)
    elif dialect is None and said:
        dialect = Dialect.from_json({**said, "confidence": dict.fromkeys(said, 1.0)})
    return _reader_of(kind)(path, dialect, name=shown, least_columns=least_columns)


def format_in(path: Path) -> str:
    """What kind of table the file holds; empty for an empty file, a text where nothing else is told by its start."""
    with path.open("rb") as file:
        magic = file.read(4)
    if not magic:
        return ""
    if magic == b"PAR1":
        return "parquet"
    if magic == b"PK\x03\x04":
        return "xlsx"
    from ml.learning.tables.json_file import looks_like_json

    return "jsonl" if looks_like_json(path) else "csv"


class _Reader(Protocol):
    def __call__(self, path: Path, dialect: Dialect | None, *, name: str, least_columns: int) -> FileTable: ...


def _reader_of(kind: str) -> _Reader:
    # Each reader is imported with its first file: most tables are texts.
    if kind == "parquet":
        from ml.learning.tables.parquet_file import ParquetTable

        return ParquetTable
    if kind == "xlsx":
        from ml.learning.tables.xlsx_file import XlsxTable

        return XlsxTable
    if kind == "jsonl":
        from ml.learning.tables.json_file import JsonTable

        return JsonTable
    return CsvTable
