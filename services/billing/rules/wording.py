"""How a movement reads: the sentence of a charge, and text that a spreadsheet cannot mistake for a formula."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from billing.rules.funding import Part, total
from billing.rules.kinds import OperationKind
from shared_models.money import Currency, plain

# How a number is written: plainly for programs, in the person's format on a page.
Say = Callable[[Decimal], str]

# A spreadsheet runs a cell that begins like this, even from a CSV file.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BLANKS = " \u00a0\ufeff"


def spreadsheet_safe(text: str) -> str:
    """`text` as a cell that stays text: a leading formula sign is disarmed with an apostrophe."""
    return f"'{text}" if text.lstrip(_BLANKS).startswith(_FORMULA_STARTS) else text


def csv_row(cells: Iterable[object]) -> str:
    """A line of a CSV file: amounts and counts are bare numbers, all else is quoted text that no spreadsheet runs."""
    return ",".join(map(_cell, cells)) + "\r\n"


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, int):
        return str(value)
    text = spreadsheet_safe(str(value)).replace('"', '""')
    return f'"{text}"'


def counted(lines: int) -> str:
    """A count of lines, with thin spaces between thousands."""
    grouped = f"{lines:,}".replace(",", "\u202f")
    return f"{grouped} line" if lines == 1 else f"{grouped} lines"


def priced_as(
    kind: str,
    *,
    lines: int,
    columns: int | None,
    level: int | None,
    unit: Decimal,
    factor: Decimal,
    version: int,
    say: Say = plain,
) -> str:
    """How a platform price came about, such as `12 lines × 0.001 EAML, price list 3`."""
    if kind == OperationKind.TRAINING:
        rate = f"{counted(lines)} × {columns} columns × {say(unit)} EAML × {say(factor)} for level {level}"
        return f"{rate}, price list {version}"
    return f"{counted(lines)} × {say(unit)} EAML, price list {version}"


def paid_as(parts: Iterable[Part], owed_usd: Decimal = Decimal(0), *, say: Say = plain) -> str:
    """Which part each currency paid, such as `coupon 0.5 + 2 EAML + 0.31 USD`."""
    known = list(parts)
    said: list[str] = []
    coupons = total(known, Currency.COUPON)
    if coupons:
        said.append(f"coupon {say(coupons)}")
    said += [f"{say(amount)} {c}" for c in (Currency.EAML, Currency.USD) if (amount := total(known, c))]
    if owed_usd:
        said.append(f"{say(owed_usd)} USD owed")
    return " + ".join(said) or "nothing"
