"""A CSV or TSV file read as a stream; a line that does not fit is kept aside with its number and the reason."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ml.learning.errors import DuplicateHeaders, EmptyTable, OneColumn, TableError, WrongEncoding
from ml.learning.tables.batch import BATCH_LINES, BadLine, Batch, Cell, cut_anew
from ml.learning.tables.dialect import SAMPLE_BYTES, Dialect, detect_dialect, named_separator

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

# One field longer than this is a quote that was never closed, or no table.
FIELD_LIMIT = 1 << 20
# Signs that are cut into fields at once.
BLOCK = 1 << 20
LONGEST_LINE = 64 << 20
# Loading the quicker reader takes longer than it saves on smaller files.
AT_ONCE_FROM = 8 << 20
# The number of its first line, and its fields or why it has none.
_Row = tuple[int, "list[str] | str"]


class CsvTable:
    """A text table on disk; `dialect` was found, or is what the person corrected it to."""

    file_format = "csv"
    share = 0.0
    DIALECT = ("encoding", "separator", "quote", "decimal", "has_header", "date_order", "confidence")

    def __init__(
        self,
        path: Path,
        dialect: Dialect | None = None,
        *,
        name: str | None = None,
        most_bytes: int | None = None,
        least_columns: int = 2,
    ) -> None:
        """With `most_bytes` only the start of the file is read: enough to show how it is cut."""
        self.path = path
        self._most_bytes = most_bytes
        self.name = name or path.name
        if dialect is None:
            dialect = dialect_of(path, name=self.name)
        self.dialect = dialect
        self.names: Sequence[str] = self._read_names()
        if len(self.names) < least_columns:
            raise OneColumn(self.name, dialect.separator)

    @property
    def decimal(self) -> str:
        return self.dialect.decimal

    @property
    def sure_decimal(self) -> str:
        return self.dialect.sure_decimal

    @property
    def date_order(self) -> str:
        return self.dialect.date_order

    def batches(self, size: int = BATCH_LINES) -> Iterator[Batch]:
        try:
            yield from self._batches(size)
        except UnicodeError as error:  # utf-16 cut in the middle: no surrogate can stand for it
            raise WrongEncoding(self.name, self.dialect.encoding) from error

    def _batches(self, size: int) -> Iterator[Batch]:
        bytes_in_all = self.path.stat().st_size
        if self._most_bytes is None and bytes_in_all > LONGEST_LINE:
            self._check_lines()
        with self._open() as file:
            skipped = _pass_separator(file)
            for batch in cut_anew(self._blocks(file, skipped, at_once=bytes_in_all >= AT_ONCE_FROM), size):
                self.share = file.buffer.tell() / max(1, bytes_in_all)
                yield batch

    def _blocks(self, file: TextIO, before: int, *, at_once: bool) -> Iterator[Batch]:
        """The lines below the header as they come from the disk, many at a time; `before` are read already.

        Rows of nothing are rows where others follow. At the end, where spreadsheets leave hundreds, they are none.
        """
        header_pending, held = self.dialect.has_header, list[_Row]()
        nothing = f"{self.dialect.separator}\r\n"
        while lines := file.readlines(BLOCK):
            # Separators alone, above the header, are not the header.
            is_plain = not held and lines[-1].strip(nothing) and (not header_pending or lines[0].strip(nothing))
            columns = self._columns(lines) if at_once and is_plain else None
            if columns is not None:
                first = 1 if header_pending else 0
                numbers = range(before + 1 + first, before + 1 + len(lines))
                yield Batch(numbers, [column[first:] for column in columns] if first else columns)
                before, header_pending = before + len(lines), False
                continue
            rows, count = self._rows(lines, file, before)
            header = next((place for place, (_, row) in enumerate(rows) if any(row)), None) if header_pending else -1
            rows, held = _parted(held + ([] if header is None else rows[header + 1 :]))
            yield self._judged(rows)
            before, header_pending = before + count, header is None

    def _columns(self, lines: list[str]) -> Sequence[Sequence[Cell]] | None:
        """The columns, where Arrow reads just what Python's reader would; None where it might not."""
        from ml.learning.tables.csv_columns import columns_of

        separator, quote = self.dialect.separator, self.dialect.quote
        if not separator.isascii() or max(map(len, lines)) > FIELD_LIMIT:
            return None
        return columns_of(lines, width=len(self.names), separator=separator, quote=quote)

    def _rows(self, lines: list[str], file: TextIO, before: int) -> tuple[list[_Row], int]:
        """The rows that are not blank, each with the number of its first line, and how many lines they took.

        A row that goes on beyond the lines takes more of the file.
        """
        if (rows := self._one_a_line(lines)) is not None:
            return [(line, row) for line, row in enumerate(rows, before + 1) if row], len(lines)
        reader = self._reader(chain(lines, file))
        found: list[_Row] = []
        while reader.line_num < len(lines):
            first_line = before + reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                found.append((first_line, f"cannot be cut into fields: {error}"))
                continue
            if row:
                found.append((first_line, row))
        return found, reader.line_num

    def _one_a_line(self, lines: list[str]) -> list[list[str]] | None:
        """The rows, where each stands on a line of its own; None where one is longer or cannot be cut."""
        try:
            rows = list(self._reader(lines))
        except csv.Error:
            return None
        goes_on = bool(rows and rows[-1]) and rows[-1][-1].endswith(("\n", "\r"))
        return None if goes_on or len(rows) != len(lines) else rows

    def _check_lines(self) -> None:
        """Refuse a line without end before it fills the memory."""
        with self.path.open("rb") as file:
            while len(block := file.read(LONGEST_LINE)) == LONGEST_LINE:
                if b"\n" not in block and b"\r" not in block:
                    raise TableError(
                        f"{self.name} has a line of more than {LONGEST_LINE >> 20} MiB: export it again with one line "
                        "for each row."
                    )

    def _judged(self, part: list[_Row]) -> Batch:
        """The lines that fit, and those that are kept aside."""
        width = len(self.names)
        rows = [row for _, row in part if isinstance(row, list)]
        if len(rows) == len(part) and set(map(len, rows)) == {width} and _is_readable(rows):
            return Batch([line for line, _ in part], [list(column) for column in zip(*rows, strict=True)])
        lines, good, bad = [], [], []
        for line, row in part:
            if isinstance(row, list) and len(row) == width and _is_readable([row]):
                lines.append(line)
                good.append(row)
            else:
                bad.append(self._bad(line, row))
        return Batch(lines, [list(column) for column in zip(*good, strict=True)] or [[] for _ in range(width)], bad)

    def _bad(self, line: int, row: list[str] | str) -> BadLine:
        if isinstance(row, str):
            return BadLine(line, row, "")
        width, text = len(self.names), self.dialect.separator.join(row)[:200]
        if len(row) != width:
            return BadLine(line, f"has {len(row)} fields where the header has {width}", text)
        return BadLine(line, f"holds bytes that are not {self.dialect.encoding}", text)

    def _read_names(self) -> list[str]:
        try:
            with self._open() as file:
                _pass_separator(file)
                rows = (row for row in self._reader(file) if row)
                first = next((row for row in rows if any(row)), None)
                is_empty = first is None or (self.dialect.has_header and next(rows, None) is None)
        except (UnicodeError, LookupError, csv.Error) as error:
            raise WrongEncoding(self.name, self.dialect.encoding) from error
        if first is None or is_empty:
            raise EmptyTable(self.name)
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

    def _reader(self, file: Iterable[str]) -> CsvReader:
        csv.field_size_limit(FIELD_LIMIT)
        return csv.reader(file, delimiter=self.dialect.separator, quotechar=self.dialect.quote)


def dialect_of(path: Path, *, name: str, said: Mapping[str, Any] | None = None) -> Dialect:
    """How the text on disk is written, as far as a person has not said."""
    with path.open("rb") as file:
        return detect_dialect(file.read(SAMPLE_BYTES), name=name, said=said)


def _pass_separator(file: TextIO) -> int:
    """Leave a line behind that only names the separator, and say how many lines that were."""
    if named_separator(file.readline(12)):
        return 1
    file.seek(0)
    return 0


def check_names(table: str, names: Sequence[str]) -> None:
    """Raise DuplicateHeaders when a name stands twice."""
    duplicates = [name for name, count in Counter(names).items() if count > 1]
    if duplicates:
        raise DuplicateHeaders(table, duplicates)


def _is_readable(rows: Iterable[list[str]]) -> bool:
    """Whether no field holds a byte that was not read as text."""
    try:
        "".join(map("".join, rows)).encode()
    except UnicodeEncodeError:
        return False
    return True


def _parted(rows: list[_Row]) -> tuple[list[_Row], list[_Row]]:
    """The rows up to the last that holds anything, and those of nothing behind it."""
    end = next((place for place in range(len(rows), 0, -1) if any(rows[place - 1][1])), 0)
    return rows[:end], rows[end:]
