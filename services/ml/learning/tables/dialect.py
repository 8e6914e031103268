"""How a table is written; of a text encoding, separator, quotes, decimal sign and header, found on its first lines."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import zip_longest
from typing import Any

from ml.learning.errors import BinaryFile, EmptyTable, WrongEncoding
from ml.learning.tables.dialect_parts import Part, known_fields, parts_from_json
from ml.learning.tables.header import find_header

SAMPLE_BYTES = 1 << 20
SAMPLE_LINES = 1000
SEPARATORS = (",", ";", "\t", "|")
# From here on a part of a dialect is no guess.
SURE = 0.7

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"SQLite format 3", "an SQLite database"),
)
_COMMA_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+")
_POINT_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)\.\d+")
_NAMES_SEPARATOR = re.compile(r'\ufeff?"?sep=([^\w"\r\n])"?[\r\n]*', re.IGNORECASE)
# One comma or point that may as well part thousands; before those stands no nought, and no more than three digits.
_ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_MANY_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3}){2,}")
_BELOW_THOUSAND = re.compile(r"[+-]?\d{1,3}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to cut a table, and how sure we are of each part (0 to 1), so that a person can correct it.

    `date_order` is how a person said that dates are written (DMY, MDY, YMD); empty, each column's own is found.
    Workbooks have a `sheet`; `parts` are the columns that were found inside others.
    """

    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    decimal: str = "."
    has_header: bool = True
    date_order: str = ""
    sheet: str = ""
    sheets: Sequence[str] = field(default=(), compare=False)
    parts: tuple[Part, ...] = ()
    confidence: dict[str, float] = field(default_factory=dict, compare=False)

    @property
    def sure_decimal(self) -> str:
        """The decimal sign, where the file shows it or a person said it; empty where it is a guess or not asked for."""
        return self.decimal if self.confidence.get("decimal", 0.0) >= SURE else ""

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Dialect:
        """The dialect as it was stored."""
        return cls(**{**known_fields(cls, found), "parts": parts_from_json(found.get("parts"))})

    def to_json(self, *names: str) -> dict[str, Any]:
        """The parts called so, as they are stored; what is inside columns always."""
        whole = {**asdict(self), "sheets": list(self.sheets)}
        return {name: whole[name] for name in names} | {"parts": [part.to_json() for part in self.parts]}


def detect_dialect(sample: bytes, *, name: str = "The file", said: Mapping[str, Any] | None = None) -> Dialect:
    """Find the dialect from the first bytes of a file; what a person `said` of it is certain.

    Raises EmptyTable, BinaryFile, WrongEncoding.
    """
    known = known_fields(Dialect, said or {})
    if not sample.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise EmptyTable(name)
    encoding, sure_of_encoding = (known["encoding"], 1.0) if "encoding" in known else _encoding(sample, name)
    lines = _whole_lines(_decode(sample, encoding, name))
    named = named_separator("".join(lines[:1]))
    lines = lines[1:] if named else lines
    separator, sure_of_separator = (named, 1.0) if named else _separator(lines)
    separator = known.get("separator", separator)
    quote = known.get("quote") or _quote(lines, separator)
    rows = [row for row in csv.reader(lines, delimiter=separator, quotechar=quote) if row]
    decimal, sure_of_decimal = _decimal(rows, separator)
    has_header, sure_of_header = find_header(rows)
    confidence = {
        "encoding": sure_of_encoding,
        "separator": sure_of_separator,
        "decimal": sure_of_decimal,
        "has_header": sure_of_header,
    }
    found = Dialect(encoding, separator, quote, decimal, has_header, confidence=confidence)
    return replace(found, **known, confidence=confidence | dict.fromkeys(known, 1.0))


def named_separator(line: str) -> str:
    """The separator, where the line is the one by which Excel is told of it; else nothing."""
    match = _NAMES_SEPARATOR.fullmatch(line)
    return match[1] if match else ""


def _encoding(sample: bytes, name: str) -> tuple[str, float]:
    for bom, encoding in _BOMS:
        if sample.startswith(bom):
            return encoding, 1.0
    for magic, looks_like in _MAGIC:
        if sample.startswith(magic):
            raise BinaryFile(name, looks_like)
    if (wide := _utf16_without_bom(sample)) is not None:
        return wide, 0.8
    control = sum(sample.count(bytes([code])) for code in (*range(9), *range(14, 32)))
    if control > len(sample) * 0.05:
        raise BinaryFile(name, "binary data")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        # cp1252 leaves five bytes undefined; latin-1 takes any byte, so it is the last resort.
        undefined = any(byte in sample for byte in b"\x81\x8d\x8f\x90\x9d")
        return ("latin-1", 0.4) if undefined else ("cp1252", 0.7)
    return "utf-8", 1.0


def _utf16_without_bom(sample: bytes) -> str | None:
    half = max(1, len(sample) // 2)
    even, odd = sample[0::2].count(0) / half, sample[1::2].count(0) / half
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    if even > 0.4 and odd < 0.1:
        return "utf-16-be"
    return None


def _decode(sample: bytes, encoding: str, name: str) -> str:
    try:
        # Incremental, because the sample may end in the middle of a character.
        return codecs.getincrementaldecoder(encoding)().decode(sample)
    except (UnicodeDecodeError, LookupError) as error:
        raise WrongEncoding(name, encoding) from error


def _whole_lines(text: str) -> list[str]:
    lines = list(io.StringIO(text, newline=""))
    if len(lines) > 1 and len(text) >= SAMPLE_BYTES // 4 and not text.endswith(("\n", "\r")):
        lines.pop()
    return lines[:SAMPLE_LINES]


def _separator(lines: list[str]) -> tuple[str, float]:
    """The sign that cuts the header and most lines into the same number (> 1) of fields; more fields win a tie."""
    scores = {separator: _cuts_alike(lines, separator) for separator in SEPARATORS}
    best, runner_up = sorted(SEPARATORS, key=lambda separator: -scores[separator])[:2]
    if scores[best] == 0.0:
        return best, 0.3
    if best == "," and scores[runner_up] and _only_in_numbers(lines, runner_up):
        return runner_up, 0.8  # without a header that would have shown it
    return best, round(max(0.1, min(1.0, 0.5 + (scores[best] - scores[runner_up]))), 2)


def _cuts_alike(lines: list[str], separator: str) -> float:
    """How well the sign cuts, 0 to 1.

    Decimal commas cut each line below the header alike, into more fields than the true sign does: only the header
    tells the two apart.
    """
    widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
    if not widths:
        return 0.0
    width, lines_of_width = Counter(widths).most_common(1)[0]
    header = 1.0 if widths[0] == width else 0.5 if widths[0] > 1 else 0.25
    return header * lines_of_width / len(widths) * (1 - 1 / width)


def _only_in_numbers(lines: list[str], separator: str) -> bool:
    """Whether this sign cuts each line alike and leaves commas in numbers alone, as the decimal sign."""
    rows = [row for row in csv.reader(lines, delimiter=separator) if row]
    cells = [cell.strip() for row in rows for cell in row if "," in cell]
    return len(set(map(len, rows))) == 1 and all(map(_COMMA_NUMBER.fullmatch, cells))


def _quote(lines: list[str], separator: str) -> str:
    def opens(quote: str) -> int:
        return sum(line.startswith(quote) + line.count(separator + quote) for line in lines)

    return "'" if opens("'") > 2 * opens('"') and opens("'") > 3 else '"'


def _decimal(rows: Sequence[Sequence[str]], separator: str) -> tuple[str, float]:
    """The decimal sign; sure where a number cannot be meant otherwise, as 1,234 and 1.234 can."""
    cells = [cell.strip() for row in rows for cell in row]
    comma = [cell for cell in cells if _COMMA_NUMBER.fullmatch(cell)]
    point = [cell for cell in cells if _POINT_NUMBER.fullmatch(cell)]
    points_part, is_open = any(map(_MANY_GROUPS.fullmatch, cells)), all(map(_ONE_GROUP.fullmatch, point))
    if comma and all(map(_ONE_GROUP.fullmatch, comma)) and not points_part:
        return ".", 0.5 if is_open and not _some_lack_groups(rows) else 0.9
    if separator == ",":
        # Only in quotes are there such numbers here.
        return (",", 0.8) if comma and not point else (".", 0.95)
    if not comma:
        return "," if is_open and points_part else ".", 0.6 if is_open else 1.0
    if is_open and len(comma) >= len(point):
        return ",", 0.9 if point else 1.0
    share = round(len(point) / (len(comma) + len(point)), 2)
    return (",", round(1 - share, 2)) if share < 0.5 else (".", share)


def sure_decimal_of(rows: Sequence[Sequence[str]], separator: str) -> str:
    """As `Dialect.sure_decimal`, of rows that are cut already."""
    decimal, sure = _decimal(rows[:SAMPLE_LINES], separator)
    return Dialect(decimal=decimal, confidence={"decimal": sure}).sure_decimal


def _some_lack_groups(rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column has numbers below a thousand too, without the sign that all decimals would have."""
    for column in zip_longest(*rows, fillvalue=""):
        cells = [cell.strip() for cell in column]
        if any(map(_ONE_GROUP.fullmatch, cells)) and any(map(_BELOW_THOUSAND.fullmatch, cells)):
            return True
    return False
