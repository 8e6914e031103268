"""Drawings made on the server: no script, no style attribute; they print, and say in words what they show.

A drawing is stretched to the page's width, which would stretch letters too: what stands at its axes is text beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from service_base.axes import Axis, axis_over
from service_base.templatetags.titan import formats_of, number, short

register = template.Library()

WIDTH, HEIGHT = 640, 160
Place = datetime | date | float
Line = Sequence[float | None]


@register.simple_tag(takes_context=True)
def line_chart(
    context: dict[str, Any],
    series: Sequence[Line],
    label: str,
    names: str = "",
    across: Sequence[Place] = (),
    unit: str = "",
) -> SafeString | str:
    """Up to four lines over the same places, `across`: moments, days, or numbers of something, `unit`.

    Each of `series` has a value for each place, or None where there is none: the line has a gap there. `names` are
    their comma-separated names.
    """
    values = [float(value) for line in series for value in line if value is not None]
    if not values:
        return format_html('<p class="quiet">{}: nothing to draw yet.</p>', label)
    axis = axis_over(values)
    paths = ((i, path) for i, line in enumerate(series, start=1) if (path := _path(line, axis)))
    last = next((float(value) for value in reversed(series[0]) if value is not None), values[-1])
    first, last_shown, lowest, highest = (
        short(context, value) for value in (values[0], last, min(values), max(values))
    )
    return framed(
        context,
        format_html_join("", '<path class="line line-{}" d="{}"/>', paths),
        up=axis,
        across=marks(context, across, unit),
        summary=f"{label}: from {first} to {last_shown}, lowest {lowest}, highest {highest}",
        caption=format_html('{} <span class="quiet">lowest {}, highest {}</span>', _legend(names), lowest, highest),
    )


@register.simple_tag(takes_context=True)
def bar_chart(context: dict[str, Any], chart: dict[str, Any], label: str, unit: str = "") -> SafeString | str:
    """A stacked bar for each day; the figures themselves belong into a table below it.

    `chart` has the days as `labels`, up to five `names`, and for each day its `stacks`: a value for each name. What is
    below zero is not drawn.
    """
    formats, days, stacks = formats_of(context), chart["labels"], chart["stacks"]
    sums = [float(sum(max(value, 0) for value in stack)) for stack in stacks]
    if not any(sums):
        return format_html('<p class="quiet">{}: nothing to draw yet.</p>', label)
    axis, step = axis_over([0.0, *sums]), WIDTH / len(days)
    shapes = format_html_join(
        "",
        '<rect class="bar-{}" x="{}" width="{}" y="{}" height="{}"><title>{}: {} {}</title></rect>',
        (
            (*bar, formats.day(day), chart["names"][bar[0] - 1], short(context, value))
            for place, (day, stack) in enumerate(zip(days, stacks, strict=True))
            for bar, value in _bars(stack, place * step, step * 0.85, axis)
        ),
    )
    highest, best = f"{short(context, max(sums))} {unit}".strip(), formats.day(days[sums.index(max(sums))])
    keys = format_html_join("", '<span class="key key-bar key-bar-{}">{}</span>', enumerate(chart["names"], start=1))
    return framed(
        context,
        shapes,
        up=axis,
        across=marks(context, days),
        summary=f"{label} from {formats.day(days[0])} to {formats.day(days[-1])}, highest {highest} on {best}",
        caption=format_html('{} <span class="quiet">highest {} on {}</span>', keys, highest, best),
        kind="bars",
    )


def framed(
    context: dict[str, Any],
    shapes: SafeString,
    *,
    up: Axis,
    across: Sequence[str],
    summary: str,
    caption: SafeString | str,
    kind: str = "",
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> SafeString:
    """The shapes over a line for each tick of `up`, whose figures stand at the left, and with `across` below."""
    width, height = size
    rules = format_html_join(
        "",
        '<path class="rule" d="M0 {}H{}"/>',
        ((f"{height * (1 - up.share(tick)):.1f}", width) for tick in up.ticks()),
    )
    figures = ((number(context, tick, up.places),) for tick in reversed(up.ticks()))
    return format_html(
        '<figure class="chart {}"><div class="axes"><ol class="beside" aria-hidden="true">{}</ol>'
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">{}{}</svg>'
        '<ol class="below" aria-hidden="true">{}</ol></div><figcaption>{}</figcaption></figure>',
        kind,
        format_html_join("", "<li>{}</li>", figures),
        width,
        height,
        summary,
        rules,
        shapes,
        format_html_join("", "<li>{}</li>", ((mark,) for mark in across)),
        caption,
    )


def marks(context: dict[str, Any], places: Sequence[Place], unit: str = "") -> list[str]:
    """What stands below a drawing: the first place, the one in the middle and the last."""
    chosen = [places[0], places[len(places) // 2], places[-1]] if len(places) > 2 else list(places)
    shown = [_mark(context, place, among=places) for place in chosen]
    return [*shown[:-1], f"{shown[-1]} {unit}".strip()] if shown else []


def _mark(context: dict[str, Any], place: Place, among: Sequence[Place]) -> str:
    formats = formats_of(context)
    if isinstance(place, datetime):
        days = {other.date() for other in among if isinstance(other, datetime)}
        return formats.clock(place) if len(days) == 1 else formats.day(place.date())
    return formats.day(place) if isinstance(place, date) else short(context, place)


def _bars(
    stack: Sequence[Decimal], x: float, width: float, axis: Axis
) -> Iterator[tuple[tuple[int, str, str, str, str], Decimal]]:
    """The parts of a stack from the bottom up: which series, where, how large, and the value."""
    y = float(HEIGHT)
    for series, value in enumerate(stack, start=1):
        if value > 0:
            size = HEIGHT * axis.share(float(value))
            y -= size
            yield (series, f"{x:.2f}", f"{width:.2f}", f"{y:.2f}", f"{size:.2f}"), value


def _legend(names: str) -> SafeString:
    known = ((i + 1, name.strip()) for i, name in enumerate(names.split(",")) if name.strip())
    return format_html_join("", '<span class="key key-{}">{}</span>', known)


def _path(line: Line, axis: Axis) -> str:
    """Through all values that are known; begun anew after a gap. One value alone is a short stroke."""
    step = WIDTH / max(1, len(line) - 1)
    drawn, pen = [], "M"
    for i, value in enumerate(line):
        if value is None:
            pen = "M"
            continue
        before, after = (line[j] if 0 <= j < len(line) else None for j in (i - 1, i + 1))
        stroke = "h4" if before is None and after is None else ""
        drawn.append(f"{pen}{i * step:.1f},{HEIGHT * (1 - axis.share(float(value))):.1f}{stroke}")
        pen = "L"
    return " ".join(drawn)
