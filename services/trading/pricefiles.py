"""Reads candles from CSV and Parquet files, whose columns may be named and ordered as people do."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import BinaryIO, NamedTuple

from trading.pricetimes import instant_of
from trading.rules.candles import Candle, faults

MOST_FAULTS = 20
ALIASES: dict[str, tuple[str, ...]] = {
    "time": (
        "timestamp",
        "datetime",
        "date_time",
        "open_time",
        "opentime",
        "ts",
        "unix",
        "time_open",
        "date",
        "time",
    ),
    "open": ("open", "o", "open_price", "price_open"),
    "high": ("high", "h", "high_price", "price_high"),
    "low": ("low", "l", "low_price", "price_low"),
    "close": ("close", "c", "close_price", "price_close", "last"),
    "volume": ("volume", "v", "vol", "base_volume", "tick_volume", "volume_traded"),
    "adjusted": ("adjusted_close", "adj_close", "adjclose", "close_adj"),
    "symbol": ("symbol", "ticker", "instrument", "pair"),
}


class RowFault(NamedTuple):
    """One thing wrong with one line; line 1 is the first line of the file."""

    line: int
    field: str
    message: str


class PriceFileError(ValueError):
    """A price file that cannot be used, and every reason found (at most twenty)."""

    def __init__(self, message: str, found: Sequence[RowFault] = ()) -> None:
        self.found = list(found)
        said = "; ".join(f"line {fault.line}, {fault.field}: {fault.message}" for fault in self.found[:3])
        more = f" (and {len(self.found) - 3} more)" if len(self.found) > 3 else ""
        super().__init__(f"{message}: {said}{more}" if said else message)


@dataclass(slots=True)
class PriceSeries:
    """Candles of one symbol, oldest first, and the adjusted closes where the file has them."""

    symbol: str
    candles: list[Candle] = field(default_factory=list)
    adjusted: list[Decimal | None] = field(default_factory=list)


class Line(NamedTuple):
    number: int
    cells: Sequence[object]


def read_prices(source: Path | BinaryIO, *, name: str = "", symbol: str | None = None) -> PriceSeries:
    """The candles of `source`; raises PriceFileError with line numbers, and reads nothing half.

    A file of several symbols needs `symbol`. Times without zone are UTC; a file from new to old is turned.
    """
    name = name or (source.name if isinstance(source, Path) else "")
    stream = source.open("rb") if isinstance(source, Path) else source
    try:
        head = stream.read(4)
        stream.seek(0)
        if not head:
            raise PriceFileError(f"{name or 'the file'} is empty")
        header, lines = _parquet(stream) if head == b"PAR1" else _csv(stream, name)
        return _series(_columns(header), lines, wanted=symbol)
    finally:
        if isinstance(source, Path):
            stream.close()


def _csv(stream: BinaryIO, name: str) -> tuple[list[str], Iterator[Line]]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        first = text.readline()
        text.seek(0)
        reader = csv.reader(text, delimiter=_delimiter(first), strict=True)
        header = next(reader, [])
    except (UnicodeDecodeError, csv.Error):
        raise PriceFileError(
            f"{name or 'the file'} is neither UTF-8 text nor Parquet; save it as CSV in UTF-8"
        ) from None

    def lines() -> Iterator[Line]:
        try:
            for cells in reader:
                if len(cells) == len(header):
                    yield Line(reader.line_num, cells)
                elif any(cell.strip() for cell in cells):
                    message = f"{len(cells)} cells where the header has {len(header)}"
                    raise PriceFileError("the table is ragged", [RowFault(reader.line_num, "line", message)])
        except (UnicodeDecodeError, csv.Error) as error:
            message = "not readable as UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            raise PriceFileError("the table breaks off", [RowFault(reader.line_num + 1, "line", message)]) from None
        finally:
            if not text.closed:
                text.detach()  # the stream is the caller's to close

    return header, lines()


def _delimiter(first: str) -> str:
    return max(",;\t|", key=first.count)


def _parquet(stream: BinaryIO) -> tuple[list[str], Iterator[Line]]:
    from pyarrow import ArrowInvalid, parquet  # 60 MB that only Parquet files need

    try:
        table = parquet.ParquetFile(stream)
    except (ArrowInvalid, OSError) as error:
        raise PriceFileError(f"the Parquet file cannot be read: {error}") from None

    def lines() -> Iterator[Line]:
        number = 0
        for batch in table.iter_batches():
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield Line(number, cells)

    return list(table.schema_arrow.names), lines()


def _columns(header: Iterable[str]) -> dict[str, list[int]]:
    named = [cell.strip().strip('"').lower().replace(" ", "_").replace("-", "_") for cell in header]
    found: dict[str, list[int]] = {}
    for role, aliases in ALIASES.items():
        places = [named.index(alias) for alias in aliases if alias in named]
        if role == "time" and {"date", "time"} <= set(named):
            places = [named.index("date"), named.index("time")]
        if places:
            found[role] = places if role == "time" and {"date", "time"} <= set(named) else places[:1]
    missing = [role for role in ("time", "open", "high", "low", "close") if role not in found]
    if missing:
        have = ", ".join(name for name in named if name) or "nothing"
        raise PriceFileError(f"no column for {', '.join(missing)}; the header has {have}")
    return found


def _series(columns: dict[str, list[int]], lines: Iterator[Line], *, wanted: str | None) -> PriceSeries:
    found: list[RowFault] = []
    numbers: list[int] = []
    series = PriceSeries(symbol=wanted or "")
    symbols: set[str] = set()
    for line in lines:
        if "symbol" in columns:
            ticker = str(line.cells[columns["symbol"][0]]).strip()
            symbols.add(ticker)
            if wanted is not None and ticker != wanted:
                continue
        _take(line, columns, series, numbers, found)
        if len(found) >= MOST_FAULTS:
            break
    if found:
        raise PriceFileError("the prices cannot be used", found)
    _settle_symbol(series, symbols, wanted)
    _settle_order(series, numbers)
    return series


def _take(
    line: Line, columns: dict[str, list[int]], series: PriceSeries, numbers: list[int], found: list[RowFault]
) -> None:
    at = "time"
    try:
        time = instant_of([line.cells[place] for place in columns["time"]])
        prices: dict[str, Decimal] = {}
        for at in ("open", "high", "low", "close"):
            prices[at] = _number(line.cells[columns[at][0]])
        at = "volume"
        volume = _optional(line, columns, at) or Decimal(0)
        at = "adjusted"
        adjusted = _optional(line, columns, at)
    except ValueError as error:
        found.append(RowFault(line.number, at, str(error)))
        return
    candle = Candle(time=time, volume=volume, **prices)
    found.extend(RowFault(line.number, name, message) for name, message in faults(candle))
    series.candles.append(candle)
    series.adjusted.append(adjusted)
    numbers.append(line.number)


def _optional(line: Line, columns: dict[str, list[int]], role: str) -> Decimal | None:
    places = columns.get(role)
    if not places or line.cells[places[0]] in ("", None):
        return None
    return _number(line.cells[places[0]])


def _number(cell: object) -> Decimal:
    # repr of a float is the shortest text that means it, which is what the file's author saw.
    text = repr(cell) if isinstance(cell, float) else str(cell).strip()
    try:
        value = Decimal(text)
    except InvalidOperation:
        try:
            value = Decimal(text.replace(",", ".")) if text.count(",") == 1 and "." not in text else Decimal("nan")
        except InvalidOperation:
            value = Decimal("nan")
    if not value.is_finite():
        raise ValueError(f"{text or 'an empty cell'!s} is not a number")
    return value


def _settle_symbol(series: PriceSeries, symbols: set[str], wanted: str | None) -> None:
    if wanted is not None and symbols and wanted not in symbols:
        raise PriceFileError(f"the file has no symbol {wanted}; it has {', '.join(sorted(symbols))}")
    if wanted is None and len(symbols) > 1:
        raise PriceFileError(f"the file holds several symbols, say which one: {', '.join(sorted(symbols))}")
    if wanted is None and symbols:
        series.symbol = symbols.pop()
    if not series.candles:
        raise PriceFileError("the file has a header but no candles")


def _settle_order(series: PriceSeries, numbers: list[int]) -> None:
    candles = series.candles
    if len(candles) > 1 and candles[0].time > candles[-1].time:
        candles.reverse()
        series.adjusted.reverse()
        numbers.reverse()
    for position in range(1, len(candles)):
        if candles[position].time <= candles[position - 1].time:
            what = "twice" if candles[position].time == candles[position - 1].time else "out of order"
            message = f"{candles[position].opened_at:%Y-%m-%dT%H:%M:%SZ} comes {what}"
            raise PriceFileError("the candles are not in order", [RowFault(numbers[position], "time", message)])
