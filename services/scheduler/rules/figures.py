"""Published figures: the text stays as published; beside it the number and its unit, where there is exactly one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_FIGURE = re.compile(
    r"([+-])?\s*([$€£¥])?\s*(\d{1,3}(?:,\d{3})+|\d+)?(\.\d+)?\s*([KMBT](?![A-Za-z]))?\s*(%|[A-Za-z]{1,10})?",
    re.ASCII,
)
_SCALES = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_LARGEST = Decimal(10) ** 16


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as published, with what it counts; no value where the text is not one plain number."""

    value: Decimal | None = None
    unit: str = ""


def figure(text: str) -> Figure:
    """The number in `text`: "6.00%" is 6.00 in %, "231K" is 231000, "4.1|2.5" and "" are none."""
    match = _FIGURE.fullmatch(text.strip().replace("\u2212", "-"))
    if match is None or not (match[3] or match[4]):
        return Figure()
    sign, currency, whole, fraction, scale, unit = match.groups()
    value = Decimal(f"{sign or ''}{(whole or '0').replace(',', '')}{fraction or ''}") * _SCALES.get(scale or "", 1)
    if abs(value) >= _LARGEST or value.as_tuple().exponent < -8:  # type: ignore[operator]
        return Figure()
    return Figure(value, unit or _SIGNS.get(currency or "", ""))
