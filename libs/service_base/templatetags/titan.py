"""Dates, numbers and money on pages, each in the person's formats."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from service_base.formats import Formats
from shared_models.clock import rfc3339

register = template.Library()

_LONG_FRACTION = re.compile(r"-?\d{1,15}\.\d{5,}")


def formats_of(context: dict[str, Any]) -> Formats:
    """Those of the person who looks."""
    return context.get("formats") or Formats()


@register.simple_tag(takes_context=True)
def when(context: dict[str, Any], moment: datetime | str | None, seconds: bool = False) -> SafeString | str:
    """An instant in the person's format, with the machine-readable one behind it."""
    if not moment:
        return "–"
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    shown = formats_of(context).moment(moment, seconds=seconds)
    return format_html('<time datetime="{}" title="UTC">{}</time>', rfc3339(moment), shown)


@register.simple_tag(takes_context=True)
def day(context: dict[str, Any], value: date | None) -> str:
    """A date in the person's format."""
    return formats_of(context).day(value) if value else "–"


@register.simple_tag(takes_context=True)
def amount(
    context: dict[str, Any], value: Decimal | str | None, currency: str = "", places: int = 2
) -> SafeString | str:
    """An amount with its currency code, in tabular digits; negative ones keep their sign."""
    if value is None or value == "":
        return "–"
    value = Decimal(value)
    shown = formats_of(context).number(value, places=places)
    # A small charge must not read as 0.00: show all its digits instead.
    if value and abs(value) < Decimal(1).scaleb(-places):
        shown = formats_of(context).number(value)
    return format_html('<span class="amount">{}{}</span>', shown.replace("-", "−"), f" {currency}" if currency else "")


@register.simple_tag(takes_context=True)
def number(context: dict[str, Any], value: float | Decimal | None, places: int | None = None) -> str:
    """A number in the person's format."""
    return "–" if value is None else formats_of(context).number(value, places=places).replace("-", "−")


@register.simple_tag(takes_context=True)
def short(context: dict[str, Any], value: float | Decimal | str | None, digits: int = 5) -> str:
    """A number with at most so many telling digits and no exponent; whatever is no number stays as it is."""
    if value is None:
        return "–"
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if not exact.is_finite():
        return str(value)
    places = max(0, digits - 1 - exact.adjusted())
    # Only a number with more places than that is rounded: rounding would write the others with an exponent.
    rounded = round(exact, places) if exact != round(exact, places) else exact
    return formats_of(context).number(rounded).replace("-", "−")


@register.filter
def trimmed(value: object) -> str:
    """A cell of somebody's table: a long fraction loses its last digits, everything else stays as it was written."""
    text = str(value)
    if not _LONG_FRACTION.fullmatch(text):
        return text
    exact = Decimal(text)
    return f"{round(exact, max(0, 5 - exact.adjusted())):f}"


@register.filter
def words(name: object) -> str:
    """`api_key.created` as “API key created”."""
    return str(name).replace("_", " ").replace(".", " ").replace("api ", "API ")


@register.filter(name="getattr")
def attribute(value: object, name: str) -> object:
    """The attribute of `value` called `name`, for loops over field names."""
    return getattr(value, name, "")


@register.filter
def percent(value: float | None) -> str:
    """0.25 as 25 %."""
    return "–" if value is None else f"{100 * value:.0f} %"
