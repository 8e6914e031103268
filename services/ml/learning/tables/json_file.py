"""JSON lines, or one JSON list of objects, read as a stream; what does not read is kept aside with its number."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from json import JSONDecodeError
from pathlib import Path
from typing import Any, BinaryIO

from ml.learning.errors import EmptyTable, OneColumn, TableError
from ml.learning.tables.batch import BATCH_LINES, BadLine, Batch, Cell
from ml.learning.tables.dialect import Dialect

# One object longer than this is no line of a table.
LONGEST_LINE = 16 << 20
MOST_NAMES = 10_000
CHUNK = 1 << 20
_BOM = b"\xef\xbb\xbf"
# What ends a text, an object or an entry, unless a backslash stands before it.
_SIGNS = re.compile(rb'\\.|["{}\[\],]', re.DOTALL)
Row = dict[str, Any]


class JsonTable:
    """One object a line (or an entry of the list); columns are all the names that any of them uses.

    `is_whole` is false for rows that came over the API, of which one column is enough.
    """

    file_format = "jsonl"
    DIALECT = ("date_order",)
    decimal = "."
    sure_decimal = ""
    share = 0.0

    def __init__(
        self,
        path: Path,
        dialect: Dialect | None = None,
        *,
        name: str | None = None,
        is_whole: bool = True,
        least_columns: int = 2,
    ) -> None:
        self.path = path
        self.name = name or path.name
        self.dialect = dialect or Dialect()
        self.names: Sequence[str] = self._read_names()
        if is_whole and not self.names:
            _refuse_without_names(self.name, next(self._rows(), None))
        if is_whole and len(self.names) < least_columns:
            raise OneColumn(self.name, "JSON")

    @property
    def date_order(self) -> str:
        return self.dialect.date_order

    def batches(self, size: int = BATCH_LINES) -> Iterator[Batch]:
        rows = self._rows()
        while part := list(islice(rows, size)):
            good = [(line, row) for line, row in part if isinstance(row, dict)]
            yield Batch(
                [line for line, _ in good],
                [[_cell(row.get(name)) for _, row in good] for name in self.names],
                [row for _, row in part if isinstance(row, BadLine)],
            )

    def _read_names(self) -> list[str]:
        names: dict[str, None] = {}
        for _, row in self._rows():
            if isinstance(row, dict):
                names.update(dict.fromkeys(row))
            if len(names) > MOST_NAMES:
                raise TableError(
                    f"{self.name} uses more than {MOST_NAMES} names for its columns: a name has to mean the same in "
                    "each line."
                )
        return list(names)

    def _rows(self) -> Iterator[tuple[int, Row | BadLine]]:
        with self.path.open("rb") as file:
            if file.read(3) != _BOM:
                file.seek(0)
            texts = _entries(file, self.name) if _first_sign(file) == b"[" else _lines(file)
            size = max(1, self.path.stat().st_size)
            for line, text in texts:
                if line % BATCH_LINES == 0:
                    self.share = file.tell() / size
                yield line, _row(line, text)


def looks_like_json(path: Path) -> bool:
    """Whether the file starts as a list of objects, or its first line is an object."""
    with path.open("rb") as file:
        if file.read(3) != _BOM:
            file.seek(0)
        start = _first_sign(file)
        if start == b"[":
            file.read(1)
            return _first_sign(file) in (b"{", b"]")
        line = next(_lines(file), (1, b""))[1] if start == b"{" else b""
        # A brace alone opens an object over many lines: no table, but no text table either.
        return line is not None and (line.strip() == b"{" or (bool(line) and isinstance(_row(1, line), dict)))


def parsed(text: str | bytes) -> Any:
    """What a JSON text says. Raises ValueError, for one that is nested without end as well."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _refuse_without_names(table: str, first: tuple[int, Row | BadLine] | None) -> None:
    if first is not None and isinstance(first[1], BadLine):
        raise TableError(
            f"{table} has no JSON object on a line of its own: write one object a line, or a list of them."
        )
    raise EmptyTable(table)


def _row(line: int, text: bytes | None) -> Row | BadLine:
    if text is None:
        return BadLine(line, f"is longer than {LONGEST_LINE >> 20} MiB", "")
    try:
        found = parsed(text)
        if b"\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()  # half a character cannot be stored
    except (ValueError, RecursionError) as error:
        fault = f"is no readable JSON: {error.msg}" if isinstance(error, JSONDecodeError) else "is no readable JSON"
        return BadLine(line, fault, text[:200].decode(errors="replace"))
    if not isinstance(found, dict):
        return BadLine(line, "is no JSON object, which names its values", text[:200].decode(errors="replace"))
    return found


def _cell(value: Any) -> Cell:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def _first_sign(file: BinaryIO) -> bytes:
    """The next sign that is no space; the file stands before it."""
    while sign := file.read(1):
        if not sign.isspace():
            file.seek(-1, 1)
            return sign
    return b""


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    line = 0
    while text := file.readline(LONGEST_LINE):
        line += 1
        if len(text) == LONGEST_LINE and not text.endswith(b"\n"):
            while (rest := file.readline(CHUNK)) and not rest.endswith(b"\n"):
                pass  # the rest of a line that is too long
            yield line, None
        elif not text.isspace():
            yield line, text


def _entries(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes | None]]:
    """The entries of a JSON list, cut where its brackets close, without holding more than one of them."""
    file.read(1)
    entry, number, depth, in_text = bytearray(), 0, 0, False
    while chunk := _chunk(file):
        start = 0
        for match in _SIGNS.finditer(chunk):
            sign = match[0]
            if sign == b'"':
                in_text = not in_text
            elif in_text or len(sign) > 1:
                continue
            elif sign in b"{[":
                depth += 1
            elif depth and sign != b",":
                depth -= 1
            elif not depth:
                entry += chunk[start : match.start()]
                start = match.end()
                if sign == b"," or entry.strip():
                    number += 1
                    yield number, bytes(entry)
                entry.clear()
                if sign != b",":
                    return
        entry += chunk[start:]
        if len(entry) > LONGEST_LINE:
            raise TableError(
                f"{name} has an entry that does not end within {LONGEST_LINE >> 20} MiB: write one object a line."
            )
    if entry.strip():
        yield number + 1, bytes(entry)  # the list was cut short: what is left of it reads or is set aside


def _chunk(file: BinaryIO) -> bytes:
    chunk = file.read(CHUNK)
    while chunk.endswith(b"\\") and (more := file.read(1)):
        chunk += more  # what a backslash stands before is not cut off from it
    return chunk
