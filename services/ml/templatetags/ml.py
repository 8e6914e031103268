"""Drawings of how right a machine is, as everywhere without script and style, and times still to come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from service_base.axes import Axis, axis_over
from service_base.templatetags.titan import percent, short

register = template.Library()

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 26, 44
SMALLEST, LARGEST = 3.0, 7.0
Show = Callable[[float], str]


@register.filter
def about(seconds: float) -> str:
    """Seconds to come, as rough as they are known: 7 s, 3 min, 2 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"


@register.simple_tag(takes_context=True)
def truth_chart(
    context: dict[str, Any], bins: Sequence[dict[str, float]], label: str, said: str, was: str, shares: bool = False
) -> SafeString | str:
    """What was answered (across) beside what was true (up), a point for each of `bins`; on the diagonal they agree.

    A bin has `lines`, `said` and `was`; with `low` and `high` the band between them is drawn too.
    """
    if not bins:
        return ""
    show: Show = percent if shares else lambda value: short(context, value, 3)
    scale = _Scale(axis_over(one[name] for one in bins for name in ("said", "was", "low", "high") if name in one))
    summary = "; ".join(f"{said} {show(one['said'])}, {was} {show(one['was'])}" for one in bins)
    return format_html(
        '<figure class="plot"><svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}{}</svg></figure>',
        WIDTH,
        HEIGHT,
        f"{label}: {summary}",
        _grid(scale, show),
        _titles(said, was),
        _band(bins, scale),
        _points(bins, scale, show),
    )


class _Scale:
    """The same axis for both directions, so that the diagonal is where they agree."""

    def __init__(self, axis: Axis) -> None:
        self.ticks = axis.ticks()
        self._axis = axis

    def x(self, value: float) -> str:
        return f"{LEFT + self._axis.share(value) * (WIDTH - LEFT - RIGHT):.1f}"

    def y(self, value: float) -> str:
        return f"{HEIGHT - BOTTOM - self._axis.share(value) * (HEIGHT - TOP - BOTTOM):.1f}"


def _grid(scale: _Scale, show: Show) -> SafeString:
    """Lines at round values with their figures, and the diagonal."""
    left, right, bottom, top = LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, TOP
    across = format_html_join(
        "",
        '<path class="rule" d="M{} {}H{}"/><text class="end" x="{}" y="{}">{}</text>',
        ((left, scale.y(v), right, left - 6, f"{float(scale.y(v)) + 4:.1f}", show(v)) for v in scale.ticks),
    )
    up = format_html_join(
        "",
        '<path class="rule" d="M{} {}V{}"/><text class="middle" x="{}" y="{}">{}</text>',
        ((scale.x(v), bottom, top, scale.x(v), bottom + 15, show(v)) for v in scale.ticks),
    )
    return format_html('{}{}<path class="agreed" d="M{} {}L{} {}"/>', across, up, left, bottom, right, top)


def _titles(said: str, was: str) -> SafeString:
    across = format_html('<text class="middle" x="{}" y="{}">{}</text>', (LEFT + WIDTH) // 2, HEIGHT - 8, said)
    return format_html('{}<text x="4" y="14">{}</text>', across, was)


def _band(bins: Sequence[dict[str, float]], scale: _Scale) -> SafeString | str:
    if len(bins) < 2 or any("low" not in one for one in bins):
        return ""
    there = [f"{scale.x(one['said'])} {scale.y(one['high'])}" for one in bins]
    back = [f"{scale.x(one['said'])} {scale.y(one['low'])}" for one in reversed(bins)]
    return format_html('<path class="band" d="M{}Z"/>', "L".join(there + back))


def _points(bins: Sequence[dict[str, float]], scale: _Scale, show: Show) -> SafeString:
    """Joined by a line; a point is the larger the more lines it stands for."""
    most = max(one["lines"] for one in bins)
    path = "L".join(f"{scale.x(one['said'])} {scale.y(one['was'])}" for one in bins)
    points = format_html_join(
        "",
        '<circle cx="{}" cy="{}" r="{}"><title>{} / {}</title></circle>',
        (
            (
                scale.x(one["said"]),
                scale.y(one["was"]),
                f"{SMALLEST + (LARGEST - SMALLEST) * (one['lines'] / most) ** 0.5:.1f}",
                show(one["said"]),
                show(one["was"]),
            )
            for one in bins
        ),
    )
    return format_html('<path class="line line-1" d="M{}"/>{}', path, points)
