"""How a table may be written, as far as a person may say so."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Any

from service_base.errors import BadInput

DATE_ORDERS = ("", "DMY", "MDY", "YMD")
# What each kind of file leaves open.
PARTS = {
    "csv": ("encoding", "separator", "quote", "decimal", "has_header", "date_order"),
    "xlsx": ("sheet", "has_header", "date_order"),
    "parquet": ("date_order",),
    "jsonl": ("date_order",),
}
_ALL_PARTS = ("encoding", "separator", "quote", "decimal", "has_header", "sheet", "date_order")
_ENCODING = re.compile(r"[A-Za-z0-9_.:\-]{1,40}")
# Codecs that are no way to write a text file, or take forever to read one.
_NO_ENCODINGS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "mbcs", "oem"})


def checked_dialect(said: Mapping[str, Any], *, file_format: str = "") -> dict[str, Any]:
    """What a person said of how a table is written; of any kind of table while its kind is not known.

    Raises BadInput for what that kind of table does not have or what cannot be.
    """
    parts = PARTS.get(file_format, _ALL_PARTS)
    for name, value in said.items():
        if name not in parts:
            raise BadInput(f"Such a table has no {name!r} to correct; it has {', '.join(parts)}.", field=name)
        _CHECKS.get(name, _check_sign)(name, value)
    if said.get("separator") is not None and said["separator"] == said.get("quote"):
        raise BadInput("The separator and the quote cannot be the same sign.", field="separator")
    return dict(said)


def _check_sign(name: str, value: Any) -> None:
    if not isinstance(value, str) or len(value) != 1 or not (value.isprintable() or value == "\t"):
        raise BadInput(f"The {name} is one sign.", field=name)


def _check_decimal(name: str, value: Any) -> None:
    if value not in (",", "."):
        raise BadInput("The decimal sign is a comma or a point.", field=name)


def _check_encoding(name: str, value: Any) -> None:
    # Each encoding that Python can open a text file with is fine, and nothing else that it has a codec for.
    try:
        known = isinstance(value, str) and _ENCODING.fullmatch(value) and codecs.lookup(value)
        if not known or known.name in _NO_ENCODINGS or not known._is_text_encoding:
            raise LookupError
    except LookupError:
        raise BadInput(f"{value!r} is no encoding of texts; try utf-8, utf-16 or cp1252.", field=name) from None


def _check_header(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise BadInput("Whether the first line has names is true or false.", field=name)


def _check_sheet(name: str, value: Any) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= 100:
        raise BadInput("The sheet is the name of one of the workbook's sheets.", field=name)


def _check_order(name: str, value: Any) -> None:
    if value not in DATE_ORDERS:
        raise BadInput("The order of dates is DMY, MDY or YMD, or empty to find it in the dates.", field=name)


_CHECKS = {
    "encoding": _check_encoding,
    "decimal": _check_decimal,
    "has_header": _check_header,
    "sheet": _check_sheet,
    "date_order": _check_order,
}
