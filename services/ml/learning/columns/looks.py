"""What one cell is: its label, its number, and the kinds of values it fits."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple

from ml.learning.columns.values import NO_NUMBERS, TRUTHS, is_missing, label_of, moment_of, number_of, time_of
from ml.learning.tables.batch import Cell
from ml.learning.tables.json_file import parsed

_ORDERS = ("YMD", "DMY", "MDY")


class Look(NamedTuple):
    """What one cell is: its label, if it has one, its number, and the kinds of values it fits."""

    label: str | None
    number: float | None
    kinds: tuple[str, ...]


NOTHING = Look(None, None, ())


def look_at(cell: Cell, decimal: str) -> Look:
    if is_missing(cell):
        return NOTHING
    label = label_of(cell)
    if isinstance(cell, str) and label and label[0].isalpha():
        return Look(label, None, _kinds_of_word(label))  # a number, a date or a time starts with another sign
    number = number_of(cell, decimal)
    if number is not None:
        return Look(label, number, ("number", "integer") if number == int(number) else ("number",))
    return Look(label, None, _kinds_of(cell, label or ""))


def _kinds_of_word(label: str) -> tuple[str, ...]:
    """What a word fits beside numbers."""
    word = label.casefold()
    return ("truth",) if word in TRUTHS else ("no_number",) if word in NO_NUMBERS else ()


def _kinds_of(cell: Cell, label: str) -> tuple[str, ...]:
    """What a cell fits that is no number."""
    if label.casefold() in NO_NUMBERS or (isinstance(cell, (float, Decimal)) and not math.isfinite(cell)):
        return ("no_number",)
    json_text = ("json",) if isinstance(cell, str) and label[:1] in ("{", "[") and _is_json(cell) else ()
    if orders := _orders_of(cell, label):
        with_time = ("with_time",) if (moment_of(cell, orders[0]) or 0.0) % 86400 else ()
        return (*json_text, *orders, "moment", *with_time)
    return (*json_text, "time") if time_of(cell) is not None else json_text


def _orders_of(cell: Cell, label: str) -> tuple[str, ...]:
    """The orders of day, month and year that it is a date in."""
    if not isinstance(cell, str) or label[:4].isdigit():
        # With the year first, or as a date already, it reads the same in each.
        return _ORDERS if moment_of(cell, "YMD") is not None else ()
    return tuple(order for order in _ORDERS if moment_of(cell, order) is not None)


def _is_json(text: str) -> bool:
    try:
        parsed(text)
    except ValueError:
        return False
    return True
