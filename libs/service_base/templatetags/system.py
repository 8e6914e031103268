"""The drawing of the event map: services at both sides, what flows between them as lines; no script, no style."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from service_base.formats import Formats
from service_base.operations.event_map import EventMap, Place

register = template.Library()

WIDTH, BOX, HEIGHT, STEP = 360, 118, 42, 56
# From how many events a second on a line is how thick.
THICKER = (0.0, 1.0, 10.0, 100.0)


@register.simple_tag(takes_context=True)
def rate(context: dict[str, Any], per_second: float) -> str:
    """A rate for people: few digits, and nothing is 0."""
    if not per_second:
        return "0/s"
    formats: Formats = context.get("formats") or Formats()
    return f"{formats.number(round(per_second, 1 if per_second >= 1 else 2))}/s"


@register.filter
def duration(seconds: float) -> str:
    """Seconds as 0.4 s, 12 s, 3 min or 2 h."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


@register.simple_tag(takes_context=True)
def event_map_drawing(context: dict[str, Any], shown: EventMap) -> SafeString:
    """Who says something at the left, who hears it at the right; a line is as thick as what flows."""
    middle = {place.service: index * STEP + HEIGHT // 2 + 1 for index, place in enumerate(shown.places)}
    lines = format_html_join(
        "",
        '<path class="flow flow-{}" d="M{} {} C{} {} {} {} {} {}"><title>{}</title></path>',
        (_line(context, pair, per_second, middle) for pair, per_second in sorted(shown.between().items())),
    )
    said = format_html_join("", _BOX, (_box(context, place, middle, said=True) for place in shown.places))
    heard = format_html_join("", _BOX, (_box(context, place, middle, said=False) for place in shown.places))
    return format_html(
        '<figure class="busmap"><svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}</svg></figure>',
        WIDTH,
        len(shown.places) * STEP - (STEP - HEIGHT) + 2,
        summary(context, shown),
        lines,
        said,
        heard,
    )


_BOX = (
    '<g class="{}"><rect x="{}" y="{}" width="{}" height="{}" rx="6"/>'
    '<text x="{}" y="{}" class="name">{}</text><text x="{}" y="{}" class="much">{}</text></g>'
)


def summary(context: dict[str, Any], shown: EventMap) -> str:
    """The drawing in a sentence."""
    flowing = [f"{a} to {b} {rate(context, much)}" for (a, b), much in sorted(shown.between().items()) if much]
    return "Events a second between services: " + ("; ".join(flowing) if flowing else "nothing flows right now")


def _line(
    context: dict[str, Any], pair: tuple[str, str], per_second: float, middle: dict[str, int]
) -> tuple[object, ...]:
    producer, reader = pair
    thickness = sum(per_second > bound for bound in THICKER)
    begin, end = BOX + 1, WIDTH - BOX - 1
    bend = (begin + end) / 2
    title = f"{producer} to {reader}: {rate(context, per_second)}"
    return (
        thickness,
        begin,
        middle[producer],
        bend,
        middle[producer],
        bend,
        middle[reader],
        end,
        middle[reader],
        title,
    )


def _box(context: dict[str, Any], place: Place, middle: dict[str, int], *, said: bool) -> Iterator[object]:
    x, y = (1 if said else WIDTH - BOX - 1), middle[place.service] - HEIGHT // 2
    if place.state == "reports":
        much = f"says {rate(context, place.sent)}" if said else f"handles {rate(context, place.handled)}"
    else:
        much = "silent" if place.state == "silent" else "never heard of"
    kind = "place" if place.is_well else "place troubled" if place.state == "reports" else "place away"
    yield from (kind, x, y, BOX, HEIGHT, x + 8, y + 17, place.service, x + 8, y + 33, much)
