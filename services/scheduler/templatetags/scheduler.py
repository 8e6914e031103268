"""Clock times, importances, outcomes and what is left until an event, as scheduler's pages show them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from service_base.formats import Formats
from shared_models import clock as clocks

register = template.Library()

# A word and a shape beside the colour, for those who do not see it.
_IMPORTANCES = {"high": ("bad", "▲"), "medium": ("warn", "◆"), "low": ("quiet", "▽")}
_OUTCOMES = {"fired": ("good", "›"), "succeeded": ("good", "✓"), "skipped": ("warn", "–"), "failed": ("bad", "✗")}


@register.simple_tag(takes_context=True)
def clock(context: dict[str, Any], value: time) -> str:
    """A time of day in the person's format, as it stands on the wall."""
    formats: Formats = context.get("formats") or Formats()
    return formats.clock(datetime(2000, 1, 1, value.hour, value.minute, value.second, tzinfo=UTC))


@register.simple_tag(takes_context=True)
def wall(context: dict[str, Any], local: datetime) -> str:
    """A moment as the clocks of its own zone show it, with the zone's abbreviation."""
    formats: Formats = context.get("formats") or Formats()
    return f"{formats.moment(local.replace(tzinfo=UTC), seconds=True)} {local.tzname()}"


@register.simple_tag
def importance(value: str) -> SafeString:
    """An importance as a word, a shape and a colour."""
    tone, shape = _IMPORTANCES[value]
    return format_html('<span class="state {}"><span aria-hidden="true">{}</span> {}</span>', tone, shape, value)


@register.simple_tag
def outcome(value: str, short: bool = False) -> SafeString:
    """An outcome as a word, a shape and a colour; short ones keep the word for readers and on hover."""
    tone, shape = _OUTCOMES[value]
    if short:
        return format_html(
            '<span class="{}" role="img" aria-label="{}" title="{}">{}</span> ', tone, value, value, shape
        )
    return format_html('<span class="state {}"><span aria-hidden="true">{}</span> {}</span>', tone, shape, value)


@register.filter
def rfc3339(moment: datetime | None) -> str:
    """The instant for machines."""
    return clocks.rfc3339(moment) if moment else ""


@register.filter
def as_json(value: object) -> str:
    """A value as JSON."""
    return json.dumps(value, ensure_ascii=False)


@register.filter
def took(duration: timedelta) -> str:
    """How long something took, in the unit that suits it."""
    seconds = duration.total_seconds()
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


@register.filter
def time_left(seconds: int | None) -> str:
    """Seconds as the two largest units that they fill: 3 d 4 h, 12 min 5 s."""
    if seconds is None:
        return "now"
    units = (("d", seconds // 86_400), ("h", seconds // 3600 % 24), ("min", seconds // 60 % 60), ("s", seconds % 60))
    first = next((index for index, (_, count) in enumerate(units) if count), 3)
    return " ".join(f"{count} {unit}" for unit, count in units[first : first + 2])
