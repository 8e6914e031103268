"""A CSV or TSV file read as a stream; a line that does not fit is kept aside with its number and the reason."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ml.learning.errors import DuplicateHeaders, EmptyTable, OneColumn, WrongEncoding
from ml.learning.tables.batch import BATCH_LINES, BadLine, Batch
from ml.learning.tables.dialect import SAMPLE_BYTES, Dialect, detect_dialect

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

# One field longer than this is a quote that was never closed, or no table.
FIELD_LIMIT = 1 << 20


class CsvTable:
    """A text table on disk; `dialect` was found, or is what the person corrected it to."""

    file_format = "csv"
    share = 0.0
    DIALECT = ("encoding", "separator", "quote", "decimal", "has_header", "date_order", "confidence")

    def __init__(
        self, path: Path, dialect: Dialect | None = None, *, name: str | None = None, most_bytes: int | None = None
    ) -> None:
        """With `most_bytes` only the start of the file is read: enough to show how it is cut."""
        self.path = path
        self._most_bytes = most_bytes
        self.name = name or path.name
        if dialect is None:
            dialect = dialect_of(path, name=self.name)
        self.dialect = dialect
        self.names: Sequence[str] = self._read_names()

    @property
    def decimal(self) -> str:
        return self.dialect.decimal

    @property
    def date_order(self) -> str:
        return self.dialect.date_order

    def batches(self, size: int = BATCH_LINES) -> Iterator[Batch]:
        try:
            yield from self._batches(size)
        except UnicodeError as error:  # utf-16 cut in the middle: no surrogate can stand for it
            raise WrongEncoding(self.name, self.dialect.encoding) from error

    def _batches(self, size: int) -> Iterator[Batch]:
        width = len(self.names)
        lines: list[int] = []
        rows: list[list[str]] = []
        bad: list[BadLine] = []
        for line, row, fault in self._rows(width):
            if fault:
                bad.append(BadLine(line, fault, self.dialect.separator.join(row)[:200]))
            else:
                lines.append(line)
                rows.append(row)
            if len(lines) + len(bad) >= size:
                yield _batch(lines, rows, bad, width)
                lines, rows, bad = [], [], []
        if lines or bad:
            yield _batch(lines, rows, bad, width)

    def _rows(self, width: int) -> Iterator[tuple[int, list[str], str | None]]:
        """(number of its first line, fields, fault) for each line below the header that is not blank."""
        with self._open() as file:
            size = max(1, self.path.stat().st_size)
            reader = self._reader(file)
            header_pending = self.dialect.has_header
            while True:
                first_line = reader.line_num + 1
                if first_line % BATCH_LINES == 0:
                    self.share = file.buffer.tell() / size
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield first_line, [], f"cannot be cut into fields: {error}"
                    continue
                if not any(row):
                    continue
                if header_pending:
                    header_pending = False
                    continue
                yield first_line, row, self._fault(row, width)

    def _fault(self, row: list[str], width: int) -> str | None:
        if len(row) != width:
            return f"has {len(row)} fields where the header has {width}"
        try:
            "".join(row).encode()
        except UnicodeEncodeError:
            return f"holds bytes that are not {self.dialect.encoding}"
        return None

    def _read_names(self) -> list[str]:
        try:
            with self._open() as file:
                rows = (row for row in self._reader(file) if any(row))
                first = next(rows, None)
                is_empty = first is None or (self.dialect.has_header and next(rows, None) is None)
        except (UnicodeError, LookupError, csv.Error) as error:
            raise WrongEncoding(self.name, self.dialect.encoding) from error
        if first is None or is_empty:
            raise EmptyTable(self.name)
        if len(first) < 2:
            raise OneColumn(self.name, self.dialect.separator)
        if not self.dialect.has_header:
            return [f"column_{i}" for i in range(1, len(first) + 1)]
        names = [cell.strip() or f"column_{i}" for i, cell in enumerate(first, start=1)]
        check_names(self.name, names)
        return names

    def _open(self) -> TextIO:
        # Bytes that do not decode become surrogates: they spoil their own line, not the whole file.
        if self._most_bytes is not None:
            with self.path.open("rb") as file:
                start = io.BytesIO(file.read(self._most_bytes))
            return io.TextIOWrapper(start, encoding=self.dialect.encoding, errors="surrogateescape", newline="")
        return self.path.open(encoding=self.dialect.encoding, errors="surrogateescape", newline="")

    def _reader(self, file: TextIO) -> CsvReader:
        csv.field_size_limit(FIELD_LIMIT)
        return csv.reader(file, delimiter=self.dialect.separator, quotechar=self.dialect.quote)


def dialect_of(path: Path, *, name: str, said: Mapping[str, Any] | None = None) -> Dialect:
    """How the text on disk is written, as far as a person has not said."""
    with path.open("rb") as file:
        return detect_dialect(file.read(SAMPLE_BYTES), name=name, said=said)


def check_names(table: str, names: Sequence[str]) -> None:
    """Raise DuplicateHeaders when a name stands twice."""
    duplicates = [name for name, count in Counter(names).items() if count > 1]
    if duplicates:
        raise DuplicateHeaders(table, duplicates)


def _batch(lines: list[int], rows: list[list[str]], bad: list[BadLine], width: int) -> Batch:
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
    return Batch(lines, columns, bad)
