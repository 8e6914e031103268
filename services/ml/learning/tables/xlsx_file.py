"""A sheet of an Excel workbook read as a stream of typed rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import islice
from pathlib import Path
from zipfile import ZipFile

from ml.learning.errors import EmptyTable, OneColumn, TableError
from ml.learning.tables.batch import BATCH_LINES, BadLine, Batch, Cell
from ml.learning.tables.csv_file import FIELD_LIMIT, check_names
from ml.learning.tables.dialect import Dialect
from ml.learning.tables.header import names_with_numbers
from ml.learning.tables.workbook import (
    LARGEST_PART,
    Attributes,
    Workbook,
    open_part,
    open_workbook,
    read_workbook,
    unescaped,
    walk,
)

SAMPLE_ROWS = 100
MOST_COLUMNS = 16_384
# Below more empty rows than this stands a stray note, and no further row of the table.
MOST_EMPTY = 1000
LAST_DAY = 2_958_466
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d*)")
_FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - workbooks hold wall-clock times
_FIRST_DAY_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
Row = dict[int, Cell]


class XlsxTable:
    """The sheet that was named, else the first one that holds a table; titles above the header are set aside."""

    file_format = "xlsx"
    DIALECT = ("sheet", "sheets", "has_header", "date_order", "confidence")
    decimal = "."
    sure_decimal = ""
    share = 0.0

    def __init__(
        self, path: Path, dialect: Dialect | None = None, *, name: str | None = None, least_columns: int = 2
    ) -> None:
        self.path = path
        self.name = name or path.name
        said = dialect or Dialect()
        with open_workbook(path, self.name) as archive:
            self._book = read_workbook(archive, self.name)
            if said.sheet and said.sheet not in self._book.sheets:
                shown = ", ".join(map(repr, list(self._book.sheets)[:20]))
                raise TableError(f"{self.name} has no sheet {said.sheet!r}; it has {shown}.", field="sheet")
            sheet, sample = self._first_rows(archive, [said.sheet] if said.sheet else list(self._book.sheets))
        # What a person said is certain; what was found once is found again.
        is_said = said.confidence.get("has_header") == 1.0
        self._set_header(sample, has_header=said.has_header if is_said else None)
        if len(self.names) < least_columns:
            raise OneColumn(self.name, "Excel")
        sure = 1.0 if len(self._book.sheets) == 1 or said.sheet else 0.6
        found = replace(said, sheet=sheet, sheets=tuple(self._book.sheets), has_header=self._has_header)
        self.dialect = replace(found, confidence={"sheet": sure, "has_header": self._sure, **said.confidence})

    @property
    def date_order(self) -> str:
        return self.dialect.date_order

    def batches(self, size: int = BATCH_LINES) -> Iterator[Batch]:
        with open_workbook(self.path, self.name) as archive:
            rows = self._with_empty(self._rows(archive, self.dialect.sheet))
            while part := list(islice(rows, size)):
                self.share = min(1.0, archive.fp.tell() / self.path.stat().st_size) if archive.fp else 0.0
                judged = [(line, row, self._fault(line, row)) for line, row in part if line != self._header_line]
                good = [(line, row) for line, row, fault in judged if fault is None]
                yield Batch(
                    [line for line, _ in good],
                    [[row.get(column) for _, row in good] for column in self._columns],
                    [BadLine(line, fault, _begins(row)) for line, row, fault in judged if fault],
                )

    def _with_empty(self, rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        """The rows, and the empty ones among those of the table: without them later answers would stand beside others'
        rows."""
        last = 0
        for line, row in rows:
            if last and line - last <= MOST_EMPTY:
                yield from ((empty, {}) for empty in range(last + 1, line))
            yield line, row
            if line >= self._first_line and line != self._header_line:
                last = line

    def _fault(self, line: int, row: Row) -> str | None:
        if line < self._first_line:
            return "stands above the table"
        if beyond := [column for column in row if column not in self._columns]:
            return f"has a value in column {_letters(beyond[0])}, beside the table"
        if any(isinstance(cell, str) and len(cell) > FIELD_LIMIT for cell in row.values()):
            return f"has a field of more than {FIELD_LIMIT} signs"
        return None

    def _first_rows(self, archive: ZipFile, sheets: Sequence[str]) -> tuple[str, list[tuple[int, Row]]]:
        for sheet in sheets[:50]:
            if sample := list(islice(self._rows(archive, sheet), SAMPLE_ROWS)):
                return sheet, sample
        raise EmptyTable(self.name)

    def _set_header(self, sample: Sequence[tuple[int, Row]], *, has_header: bool | None) -> None:
        widest = max(len(row) for _, row in sample)
        start = next(i for i, (_, row) in enumerate(sample) if len(row) >= max(2, widest / 2) or widest < 2)
        self._first_line, first = sample[start]
        columns = {column for _, row in sample[start:] for column in row}
        self._columns = range(min(columns), max(columns) + 1)
        found, self._sure = self._find_header([row for _, row in sample[start:]])
        self._has_header = found if has_header is None else has_header
        self._header_line = self._first_line if self._has_header else 0
        if self._has_header and len(sample) == start + 1:
            raise EmptyTable(self.name)
        given = [_as_text(first.get(column)) if self._has_header else "" for column in self._columns]
        self.names: Sequence[str] = [name or f"column_{i}" for i, name in enumerate(given, start=1)]
        check_names(self.name, self.names)

    def _find_header(self, rows: Sequence[Row]) -> tuple[bool, float]:
        if all(isinstance(cell, str) for cell in rows[0].values()):
            return True, 0.9
        first, *body = [[_as_text(row.get(column)) for column in self._columns] for row in rows]
        return names_with_numbers(first, body)

    def _rows(self, archive: ZipFile, sheet: str) -> Iterator[tuple[int, Row]]:
        """(line, cells by column) of each row that holds anything."""
        reader = _Reader(self._book, self.name)
        with open_part(archive, self._book.sheets[sheet], self.name, most=LARGEST_PART) as stream:
            for _ in walk(stream, self.name, reader.start, reader.end, reader.text):
                yield from reader.ready
                reader.ready.clear()


class _Reader:
    """Makes rows of the sheet's tags."""

    def __init__(self, book: Workbook, name: str) -> None:
        self.ready: list[tuple[int, Row]] = []
        self._book, self._name = book, name
        self._line = self._column = 0
        self._row: Row = {}
        self._kind = self._style = ""
        self._pieces: list[str] = []
        self._held = 0
        self._inside = self._in_phonetics = False

    def start(self, tag: str, own: Attributes) -> None:
        if tag == "c":
            self._start_cell(own)
        elif tag in ("v", "t"):
            self._inside = not self._in_phonetics
        elif tag == "rPh":
            self._in_phonetics = True
        elif tag == "row":
            said = own.get("r", "")
            # Lines never come back to an earlier number: the split hangs on each having its own.
            self._line = max(self._line + 1, int(said) if said.isdigit() and len(said) < 9 else 0)
            self._row, self._column = {}, 0

    def text(self, text: str) -> None:
        if self._inside and self._held <= FIELD_LIMIT:
            self._pieces.append(text)
            self._held += len(text)

    def end(self, tag: str) -> None:
        if tag in ("v", "t"):
            self._inside = False
        elif tag == "rPh":
            self._in_phonetics = False
        elif tag == "c":
            cell = self._cell("".join(self._pieces))
            if cell is not None and cell != "":
                self._row[self._column] = cell
        elif tag == "row" and self._row:
            self.ready.append((self._line, self._row))

    def _start_cell(self, own: Attributes) -> None:
        self._kind, self._style = own.get("t", "n"), own.get("s", "")
        self._pieces, self._held = [], 0
        match = _REFERENCE.match(own.get("r", ""))
        self._column = _number(match[1]) if match else self._column + 1
        if self._column > MOST_COLUMNS:
            raise TableError(f"{self._name} has a cell beyond column {MOST_COLUMNS}, which no workbook has.")

    def _cell(self, text: str) -> Cell:
        if not text or self._kind == "e":
            return None  # #N/A and its kin are missing
        if self._kind == "s":
            known = int(text) if text.strip().isdigit() and len(text) < 12 else -1
            return self._book.texts[known] if 0 <= known < len(self._book.texts) else None
        if self._kind == "b":
            return text.strip() == "1"
        if self._kind in ("str", "inlineStr", "d"):
            return unescaped(text)
        return self._number(text)

    def _number(self, text: str) -> Cell:
        try:
            number = float(text)
        except ValueError:
            return text
        style = int(self._style) if self._style.isdigit() and len(self._style) < 9 else 0
        shown_as = self._book.formats[style] if style < len(self._book.formats) else ""
        if not shown_as or not 0 <= number < LAST_DAY:
            return number
        return _moment(number, shown_as, starts_in_1904=self._book.starts_in_1904)


def _moment(days: float, shown_as: str, *, starts_in_1904: bool) -> Cell:
    """What a number of days since the workbook's first shows as."""
    if shown_as == "time":
        return (_FIRST_DAY + timedelta(seconds=round(days * 86_400))).time() if days < 1 else days
    start = _FIRST_DAY_1904 if starts_in_1904 else _FIRST_DAY
    if not starts_in_1904 and days < 61:
        start += timedelta(days=1)  # Excel counts a 29th of February 1900
    try:
        moment = start + timedelta(seconds=round(days * 86_400))
    except OverflowError:
        return days
    return moment.date() if shown_as == "date" and moment.time() == time() else moment


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(65 + letter) + letters
    return letters


def _as_text(cell: Cell) -> str:
    """A cell as it is shown: the year 2019 is no 2019.0."""
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


def _begins(row: Row) -> str:
    return ", ".join(str(cell)[:100] for cell in list(row.values())[:20])[:200]
