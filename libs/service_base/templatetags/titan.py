"""Dates, money and small drawings on pages; each in the person's formats, none with a style attribute."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from service_base.formats import Formats
from shared_models.clock import rfc3339

register = template.Library()

_LONG_FRACTION = re.compile(r"-?\d{1,15}\.\d{5,}")


def _formats(context: dict[str, Any]) -> Formats:
    return context.get("formats") or Formats()


@register.simple_tag(takes_context=True)
def when(context: dict[str, Any], moment: datetime | str | None, seconds: bool = False) -> SafeString | str:
    """An instant in the person's format, with the machine-readable one behind it."""
    if not moment:
        return "–"
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    shown = _formats(context).moment(moment, seconds=seconds)
    return format_html('<time datetime="{}" title="UTC">{}</time>', rfc3339(moment), shown)


@register.simple_tag(takes_context=True)
def day(context: dict[str, Any], value: date | None) -> str:
    """A date in the person's format."""
    return _formats(context).day(value) if value else "–"


@register.simple_tag(takes_context=True)
def amount(
    context: dict[str, Any], value: Decimal | str | None, currency: str = "", places: int = 2
) -> SafeString | str:
    """An amount with its currency code, in tabular digits; negative ones keep their sign."""
    if value is None or value == "":
        return "–"
    value = Decimal(value)
    shown = _formats(context).number(value, places=places)
    # A small charge must not read as 0.00: show all its digits instead.
    if value and abs(value) < Decimal(1).scaleb(-places):
        shown = _formats(context).number(value)
    return format_html('<span class="amount">{}{}</span>', shown.replace("-", "−"), f" {currency}" if currency else "")


@register.simple_tag(takes_context=True)
def number(context: dict[str, Any], value: float | Decimal | None, places: int | None = None) -> str:
    """A number in the person's format."""
    return "–" if value is None else _formats(context).number(value, places=places).replace("-", "−")


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
    return _formats(context).number(rounded).replace("-", "−")


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


@register.simple_tag(takes_context=True)
def line_chart(
    context: dict[str, Any],
    series: Sequence[Sequence[float | None]],
    label: str,
    names: str = "",
    width: int = 640,
    height: int = 160,
) -> SafeString | str:
    """Up to four lines as an SVG drawn here: no script, prints, and says in words what it shows.

    Each of `series` is a sequence of values at equal steps; `names` are their comma-separated names.
    """
    known = [[float(v) for v in line if v is not None] for line in series]
    values = [v for line in known for v in line]
    if not values:
        return format_html('<p class="quiet">{}: nothing to draw yet.</p>', label)
    low, high = min(values), max(values)
    paths = format_html_join(
        "",
        '<path class="line line-{}" d="{}"/>',
        ((i + 1, _path(line, low, high, width, height)) for i, line in enumerate(known) if line),
    )
    last = known[0][-1] if known[0] else values[-1]
    first, last_shown, lowest, highest = (short(context, value) for value in (values[0], last, low, high))
    summary = f"{label}: from {first} to {last_shown}, lowest {lowest}, highest {highest}"
    return format_html(
        '<figure class="chart"><svg viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">{}</svg>'
        '<figcaption>{} <span class="quiet">lowest {}, highest {}</span></figcaption></figure>',
        width,
        height,
        summary,
        paths,
        _legend(names),
        lowest,
        highest,
    )


@register.simple_tag(takes_context=True)
def bar_chart(
    context: dict[str, Any], chart: dict[str, Any], label: str, unit: str = "", width: int = 640, height: int = 160
) -> SafeString | str:
    """A stacked bar for each day as an SVG drawn here; the figures themselves belong into a table below it.

    `chart` has the days as `labels`, up to five `names`, and for each day its `stacks`: a value for each name. What is
    below zero is not drawn.
    """
    formats, days, stacks = _formats(context), chart["labels"], chart["stacks"]
    sums = [float(sum(max(value, 0) for value in stack)) for stack in stacks]
    if not any(sums):
        return format_html('<p class="quiet">{}: nothing to draw yet.</p>', label)
    top, step = max(sums), width / len(days)
    shapes = format_html_join(
        "",
        '<rect class="bar-{}" x="{}" width="{}" y="{}" height="{}"><title>{}: {} {}</title></rect>',
        (
            (*bar, formats.day(day), chart["names"][bar[0] - 1], short(context, value))
            for place, (day, stack) in enumerate(zip(days, stacks, strict=True))
            for bar, value in _bars(stack, place * step, step * 0.85, top, height)
        ),
    )
    highest = f"{short(context, top)} {unit}".strip()
    first, last, best = formats.day(days[0]), formats.day(days[-1]), formats.day(days[sums.index(top)])
    keys = enumerate(chart["names"], start=1)
    return format_html(
        '<figure class="chart bars"><svg viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">{}'
        '</svg><figcaption>{} <span class="quiet">{} to {}; highest {} on {}</span></figcaption></figure>',
        width,
        height,
        f"{label} from {first} to {last}, highest {highest} on {best}",
        shapes,
        format_html_join("", '<span class="key key-bar key-bar-{}">{}</span>', keys),
        first,
        last,
        highest,
        best,
    )


def _bars(
    stack: Sequence[Decimal], x: float, width: float, top: float, height: int
) -> Iterator[tuple[tuple[int, str, str, str, str], Decimal]]:
    """The parts of a stack from the bottom up: which series, where, how large, and the value."""
    y = float(height)
    for number, value in enumerate(stack, start=1):
        if value > 0:
            size = (height - 6) * float(value) / top
            y -= size
            yield (number, f"{x:.2f}", f"{width:.2f}", f"{y:.2f}", f"{size:.2f}"), value


def _legend(names: str) -> SafeString:
    known = ((i + 1, name.strip()) for i, name in enumerate(names.split(",")) if name.strip())
    return format_html_join("", '<span class="key key-{}">{}</span>', known)


def _path(line: Sequence[float], low: float, high: float, width: int, height: int) -> str:
    span = (high - low) or 1.0
    step = width / max(1, len(line) - 1)
    points = (f"{i * step:.1f},{(height - 6) * (1 - (v - low) / span) + 3:.1f}" for i, v in enumerate(line))
    return "M" + " L".join(points)
