"""How a person wants to see dates and numbers; applied on pages and in e-mails, never in the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

_DATE_ORDER = {"DMY": ("%d", "%m", "%Y"), "MDY": ("%m", "%d", "%Y"), "YMD": ("%Y", "%m", "%d")}


@dataclass(frozen=True, slots=True)
class Formats:
    """A person's choices; the defaults are those of a new account."""

    time_format: str = "24H"
    date_format: str = "DMY"
    date_separator: str = "/"
    datetime_separator: str = " "
    decimal_separator: str = ","

    @classmethod
    def of(cls, user: Any) -> Formats:
        """The choices of `user`, or the defaults for somebody who is not signed in."""
        names = cls.__dataclass_fields__
        return cls(**{name: getattr(user, name) for name in names if hasattr(user, name)})

    def day(self, day: date) -> str:
        """`31/01/2026` and the like."""
        return self.date_separator.join(day.strftime(part) for part in _DATE_ORDER[self.date_format])

    def clock(self, moment: datetime, *, seconds: bool = False) -> str:
        """`23:05` or `11:05 PM`, in UTC."""
        pattern = (
            ("%H:%M:%S" if seconds else "%H:%M")
            if self.time_format == "24H"
            else ("%I:%M:%S %p" if seconds else "%I:%M %p")
        )
        return moment.astimezone(UTC).strftime(pattern)

    def moment(self, moment: datetime, *, seconds: bool = False) -> str:
        """Day and time of day in UTC."""
        return self.day(moment.astimezone(UTC).date()) + self.datetime_separator + self.clock(moment, seconds=seconds)

    def number(self, number: Decimal | float | int, *, places: int | None = None) -> str:
        """A number with the person's decimal separator and thin spaces between thousands."""
        text = f"{number:,.{places}f}" if places is not None else f"{Decimal(str(number)).normalize():,f}"
        whole, _, fraction = text.partition(".")
        # A narrow no-break space: neither separator, so it can never be read as a decimal sign.
        grouped = whole.replace(",", "\u202f")
        return f"{grouped}{self.decimal_separator_sign}{fraction}" if fraction else grouped

    def typed(self, text: str) -> str:
        """A number that the person typed, or copied from a page, with a point and nothing between thousands.

        A comma is the decimal sign only of those who chose it. To others it parts thousands: it stays, and the caller
        refuses it, since 1,000 read as one would be a thousandth of what was meant.
        """
        plain = "".join(text.split())
        return plain if "." in plain else plain.replace(self.decimal_separator_sign, ".")

    @property
    def decimal_separator_sign(self) -> str:
        """The decimal sign itself."""
        return self.decimal_separator if self.decimal_separator in (",", ".") else ","
