"""Parked events for operators: which are held up and why, what waits behind each, and handling them again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db.models import BinaryField, Count, Exists, F, Func, IntegerField, OuterRef, QuerySet, Subquery, Value

from event_bus.models import ParkedEvent
from event_bus.replay import replay
from service_base.errors import NotFound, Unavailable
from shared_models.clock import rfc3339

# What a list shows of a body; one event may have megabytes, a list has hundreds of events.
EXCERPT = 2_000
MOST_SHOWN = 64_000
HEX_A_LINE = 16


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a replay: how many events were handled, how many are still parked."""

    handled: int
    parked: int

    @property
    def sentence(self) -> str:
        """For people."""
        handled = "1 event was handled" if self.handled == 1 else f"{self.handled} events were handled"
        return f"{handled}; {'nothing is parked any more' if not self.parked else f'{self.parked} still parked'}."


def parked(*, type_: str | None = None, key: str | None = None) -> QuerySet[ParkedEvent]:
    """What this service's consumer set aside; `behind` says how many wait behind an event, `waits` that it is one.

    Bodies stay where they are, since one may have megabytes: `size` says how many bytes, `excerpt` has the first.
    """
    later = _same_place().filter(id__gt=OuterRef("id")).values("key").annotate(n=Count("id")).values("n")
    wanted = {name: value for name, value in (("type", type_), ("key", key)) if value}
    begin = Func(F("payload"), Value(1), Value(EXCERPT), function="substring", output_field=BinaryField())
    size = Func(F("payload"), function="octet_length", output_field=IntegerField())
    found = _ours().filter(**wanted).defer("payload")
    return found.annotate(waits=_an_earlier_one(), behind=Subquery(later), excerpt=begin, size=size)


def first_of_each_key(*, type_: str | None = None, key: str | None = None) -> QuerySet[ParkedEvent]:
    """The events that hold their keys up, without those that only wait behind them."""
    return parked(type_=type_, key=key).filter(~_an_earlier_one())


def _ours() -> QuerySet[ParkedEvent]:
    return ParkedEvent.objects.filter(consumer=settings.TITAN_CONSUMER_GROUP)


def _same_place() -> QuerySet[ParkedEvent]:
    return _ours().filter(topic=OuterRef("topic"), key=OuterRef("key")).order_by()


def _an_earlier_one() -> Exists:
    return Exists(_same_place().filter(id__lt=OuterRef("id")))


def parked_types() -> list[str]:
    """Types that have a parked event."""
    return list(parked().order_by("type").values_list("type", flat=True).distinct())


def the_parked(parked_id: int) -> ParkedEvent:
    """One parked event with its body. Raises NotFound once it was handled."""
    row = parked().defer(None).filter(pk=parked_id).first()
    if row is None:
        raise NotFound("There is no such parked event; perhaps it was handled meanwhile.")
    return row


def waiting_behind(row: ParkedEvent) -> QuerySet[ParkedEvent]:
    """The later events of its key, in their order."""
    return parked().filter(topic=row.topic, key=row.key, id__gt=row.pk).order_by("id")


def replay_all() -> Replayed:
    """Handle everything parked again, each key in its order. Raises Unavailable when the database fails on the way."""
    return _replay(None)


def replay_event(event_id: UUID) -> Replayed:
    """Handle the event's key again, in its order. Raises NotFound, Unavailable."""
    if not parked().filter(event_id=event_id).exists():
        raise NotFound("No parked event has this id; perhaps it was handled meanwhile.")
    return _replay(event_id)


def replay_key_of(row: ParkedEvent) -> Replayed:
    """Handle everything of the event's key again, in its order. Raises NotFound, Unavailable."""
    known = parked().filter(topic=row.topic, key=row.key, event_id__isnull=False).first()
    if known is None:
        raise NotFound("No event of this key has an id; replay all events instead.")
    return _replay(known.event_id)


def _replay(event_id: UUID | None) -> Replayed:
    try:
        handled, left = replay(settings.TITAN_CONSUMER_GROUP, event_id=str(event_id) if event_id else None)
    except DatabaseTrouble as error:
        said = str(error).strip().partition("\n")[0]
        raise Unavailable(f"The database failed on the way ({said}); what was handled stays, replay again.") from error
    return Replayed(handled, left)


def as_json(row: ParkedEvent) -> dict[str, Any]:
    """A parked event in a list; long bodies are cut, `payload_bytes` says how long they are."""
    return {
        "id": row.pk,
        "event_id": str(row.event_id) if row.event_id else None,
        "type": row.type,
        "topic": row.topic,
        "partition": row.partition,
        "offset": row.offset,
        "key": row.key,
        "error": row.error,
        "attempts": row.attempts,
        "parked_at": rfc3339(row.parked_at),
        "waits": row.waits,  # type: ignore[attr-defined]
        "behind": row.behind or 0,  # type: ignore[attr-defined]
        "payload": bytes(row.excerpt).decode("utf-8", "replace"),  # type: ignore[attr-defined]
        "payload_bytes": row.size,  # type: ignore[attr-defined]
    }


def whole_as_json(row: ParkedEvent) -> dict[str, Any]:
    """A parked event with its headers and its whole body: as text, or in hexadecimal where it is none."""
    body = bytes(row.payload)
    text = text_in(body)
    spelled = {"payload": text} if text is not None else {"payload": None, "payload_hex": body.hex()}
    return as_json(row) | {"headers": row.headers} | spelled


def text_in(body: bytes) -> str | None:
    """The body as text, or None where it is none."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def shown(body: bytes) -> tuple[str, str]:
    """The body for people, and what it is: indented JSON, text, or bytes in hexadecimal with their letters."""
    text = text_in(body)
    if text is None:
        return "\n".join(_hex_lines(body[: MOST_SHOWN // 4])), "bytes that are no text"
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)[:MOST_SHOWN], "JSON"
    except ValueError:
        return text[:MOST_SHOWN], "text that is no JSON"


def _hex_lines(body: bytes) -> Iterable[str]:
    for at in range(0, len(body), HEX_A_LINE):
        part = body[at : at + HEX_A_LINE]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        yield f"{at:06x}  {part.hex(' '):<{3 * HEX_A_LINE}} {letters}"
