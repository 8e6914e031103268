"""Candles as a drawing made on the server, and the words of a log line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from service_base.axes import axis_over
from service_base.templatetags.charts import framed, marks
from service_base.templatetags.titan import short
from trading.models import BotRunLog
from trading.rules.book import said
from trading.rules.candles import Candle, instant
from trading.rules.pauses import Window

register = template.Library()
WIDTH, HEIGHT = 720, 240


class Scale:
    """From times and prices to places in the drawing."""

    def __init__(self, candles: Sequence[Candle]) -> None:
        self.low = float(min(candle.low for candle in candles))
        self.high = float(max(candle.high for candle in candles))
        self.axis = axis_over([self.low, self.high])
        self.step = WIDTH / len(candles)
        self.times = [candle.time for candle in candles]

    def x(self, number: float) -> float:
        return (number + 0.5) * self.step

    def y(self, price: Decimal | float) -> float:
        return HEIGHT * (1 - self.axis.share(float(price)))

    def place(self, time: int) -> float:
        """The candle that holds `time`, as a number that may lie between two."""
        return max(0, bisect_right(self.times, time) - 1)


@register.simple_tag(takes_context=True)
def candle_chart(
    context: dict[str, Any],
    candles: Sequence[Candle],
    label: str,
    fills: Sequence[Any] = (),
    windows: Sequence[Window] = (),
) -> SafeString | str:
    """Candles with trades as triangles and pauses as bands; the words say the same for those who cannot see it."""
    if not candles:
        return format_html('<p class="quiet">{}: no candles to draw yet.</p>', label)
    scale = Scale(candles)
    shapes = format_html("{}{}{}", _bands(scale, windows), _candles(scale, candles), _trades(scale, fills))
    first, last = candles[0], candles[-1]
    lowest, highest = short(context, scale.low), short(context, scale.high)
    summary = (
        f"{label}: {len(candles)} candles from {first.opened_at:%Y-%m-%d %H:%M} to {last.opened_at:%Y-%m-%d %H:%M},"
        f" close {short(context, last.close)}, lowest {lowest}, highest {highest},"
        f" {len(fills)} trades, {len(windows)} pauses"
    )
    return framed(
        context,
        shapes,
        up=scale.axis,
        across=marks(context, [candle.opened_at for candle in candles]),
        summary=summary,
        caption=format_html('{} <span class="quiet">lowest {}, highest {}</span>', label, lowest, highest),
        kind="candles",
        size=(WIDTH, HEIGHT),
    )


@register.filter
def read_out(line: BotRunLog) -> str:
    """A log line as one reads it."""
    return said(line.event, line.fields)


@register.filter
def span(minutes: int) -> str:
    """Minutes as days or hours where they are whole ones."""
    for size, name in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes and minutes % size == 0:
            count = minutes // size
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "0 minutes"


@register.filter
def tone(value: Decimal | None) -> str:
    """The class of a gain or a loss; the sign says it too."""
    return "" if not value else "good" if value > 0 else "bad"


def _candles(scale: Scale, candles: Sequence[Candle]) -> SafeString:
    body = max(1.0, scale.step * 0.7)
    rows = []
    for n, candle in enumerate(candles):
        top, bottom = max(candle.open, candle.close), min(candle.open, candle.close)
        x, height = scale.x(n), max(1.0, scale.y(bottom) - scale.y(top))
        kind = "up" if candle.close >= candle.open else "down"
        wick = f"M{x:.1f},{scale.y(candle.high):.1f}V{scale.y(candle.low):.1f}"
        rows.append((kind, wick, f"{x - body / 2:.1f}", f"{scale.y(top):.1f}", f"{body:.1f}", f"{height:.1f}"))
    shape = '<g class="{}"><path d="{}"/><rect x="{}" y="{}" width="{}" height="{}"/></g>'
    return format_html_join("", shape, rows)


def _trades(scale: Scale, fills: Sequence[Any]) -> SafeString:
    rows = []
    for fill in fills:
        x, y = scale.x(scale.place(int(fill.filled_at.timestamp()))), scale.y(fill.price)
        sign = 1 if fill.side == "buy" else -1
        shape = f"M{x:.1f},{y:.1f}l-5,{9 * sign}h10z"
        rows.append((fill.side, shape, f"{fill.side} {fill.quantity.normalize():f} at {fill.price.normalize():f}"))
    return format_html_join("", '<path class="trade {}" d="{}"><title>{}</title></path>', rows)


def _bands(scale: Scale, windows: Sequence[Window]) -> SafeString:
    rows = []
    for window in windows:
        start, end = scale.x(scale.place(window.start) - 0.5), scale.x(scale.place(window.end) + 0.5)
        rows.append((f"{start:.1f}", f"{max(1.0, end - start):.1f}", HEIGHT, ", ".join(window.names)))
    shape = '<rect class="pause" x="{}" y="0" width="{}" height="{}"><title>paused: {}</title></rect>'
    return format_html_join("", shape, rows)


@register.simple_tag
def gap_moment(seconds: int) -> datetime:
    """The instant of a gap's edge."""
    return instant(seconds)
