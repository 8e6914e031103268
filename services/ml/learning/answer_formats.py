"""Files of answers, written column by column: CSV, Parquet, an Arrow stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ml.rules.formulas import harmless

PARTS_IN_GROUP = 32
Columns = Mapping[str, NDArray[Any]]
Write = Callable[[Columns], None]
Writer = Callable[[Path | IO[bytes]], AbstractContextManager[Write]]


def arrow_table(columns: Columns) -> pa.Table:
    """The columns as Arrow's."""
    return pa.table({name: _arrow(column) for name, column in columns.items()})


def _arrow(column: NDArray[Any]) -> pa.Array:
    if column.dtype != object:
        return _numbers(column)
    values = column.tolist()
    # Half a character, as JSON may hold, is no text to Arrow.
    known = {value: value.encode("utf-8", "replace") for value in set(values)}
    return _strings([known[value] for value in values])


# Made of their bytes, separators too: given Python's values, pyarrow would first import pandas where that is installed.


def _strings(values: list[bytes]) -> pa.Array:
    ends = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum(np.fromiter(map(len, values), np.int32, len(values)), out=ends[1:])
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(ends), pa.py_buffer(b"".join(values)))


@lru_cache(maxsize=6)
def _repeated(value: bytes, count: int) -> pa.Array:
    return _strings([value] * count)


def _numbers(column: NDArray[Any]) -> pa.Array:
    kind, bits = (pa.float32(), np.float32) if column.dtype == np.float32 else (pa.float64(), np.float64)
    plain = np.ascontiguousarray(column, dtype=bits)
    return pa.Array.from_buffers(kind, len(plain), [None, pa.py_buffer(plain)])


@contextmanager
def csv_writer(place: Path | IO[bytes], shown: Callable[[str], str] = harmless) -> Iterator[Write]:
    """Labels that a spreadsheet would run are disarmed, unless `shown` leaves texts as they are.

    Text is made by Arrow: a row at a time would cost the most.
    """
    with _opened(place) as file:
        has_header = False
        fields: dict[str, bytes] = {}

        def write(columns: Columns) -> None:
            nonlocal has_header
            if not has_header:
                file.write(b",".join(_field(shown(name)) for name in columns) + b"\n")
                has_header = True
            file.write(_lines([_texts(column, fields, shown) for column in columns.values()]))

        yield write


def _field(text: str) -> bytes:
    """A text as it stands in a CSV file."""
    if any(sign in text for sign in ',"\r\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text.encode("utf-8", "replace")


def _texts(column: NDArray[Any], fields: dict[str, bytes], shown: Callable[[str], str]) -> pa.Array:
    """The column as it stands in a CSV file; `fields` are the labels made ready so far."""
    if column.dtype != object:
        return pc.cast(_numbers(column), pa.string())
    for value in set(column.tolist()) - fields.keys():
        if len(fields) > 100_000:
            fields.clear()
        fields[value] = _field(shown(value))
    return _strings([fields[value] for value in column.tolist()])


def _lines(columns: list[pa.Array]) -> memoryview:
    nothing, commas, ends = (_repeated(sign, len(columns[0])) for sign in (b"", b",", b"\n"))
    ended = [*columns[:-1], pc.binary_join_element_wise(columns[-1], nothing, ends)]
    rows = pc.binary_join_element_wise(*ended, commas).cast(pa.large_string())
    offsets = np.frombuffer(rows.buffers()[1], dtype=np.int64)
    return memoryview(rows.buffers()[2])[int(offsets[rows.offset]) : int(offsets[rows.offset + len(rows)])]


@contextmanager
def parquet_writer(place: Path | IO[bytes]) -> Iterator[Write]:
    """Some batches to a row group: many small ones would be read slowly."""
    writer: pq.ParquetWriter | None = None
    waiting: list[pa.Table] = []

    def write(columns: Columns) -> None:
        nonlocal writer
        part = arrow_table(columns)
        if writer is None:
            writer = pq.ParquetWriter(place, part.schema)
        waiting.append(part)
        if len(waiting) >= PARTS_IN_GROUP:
            flush()

    def flush() -> None:
        if writer is not None and waiting:
            writer.write_table(pa.concat_tables(waiting))
            waiting.clear()

    try:
        yield write
        flush()
    finally:
        if writer is not None:
            writer.close()


@contextmanager
def arrow_writer(place: Path | IO[bytes]) -> Iterator[Write]:
    """Arrow's streaming format: what `pyarrow.ipc.open_stream` reads."""
    writer: pa.RecordBatchStreamWriter | None = None
    with _opened(place) as file:

        def write(columns: Columns) -> None:
            nonlocal writer
            part = arrow_table(columns)
            if writer is None:
                writer = pa.ipc.new_stream(file, part.schema)
            writer.write_table(part)

        try:
            yield write
        finally:
            if writer is not None:
                writer.close()


WRITERS: dict[str, Writer] = {"csv": csv_writer, "parquet": parquet_writer, "arrow": arrow_writer}
# For programs on the person's own machine, which want each label as it was learnt.
EXACT_WRITERS: dict[str, Writer] = {**WRITERS, "csv": partial(csv_writer, shown=str)}


@contextmanager
def _opened(place: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    if not isinstance(place, Path):
        yield place
        return
    with place.open("wb") as file:
        yield file
