"""Parking: events that cannot be handled wait, with the reason, and hold back only their own key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from zlib import crc32

from django.db import connection
from pydantic_core import to_json

from event_bus import metrics
from event_bus.broker import Record
from event_bus.envelope import id_in
from event_bus.models import ParkedEvent
from shared_models.clock import utc_now

LATELY = timedelta(minutes=10)
BEHIND = "waits behind a parked event of its key"
_BLOCKED = """SELECT DISTINCT topic, key FROM parked_event
    WHERE consumer = %s AND key = ANY(ARRAY(SELECT json_array_elements_text(%s::json)))"""
_LOCK_CLASS = crc32(b"titan.parking") - 2**31


class Permanent(Exception):
    """Raised by a handler when trying again can never help; the event is parked at once."""


class SetAside(NamedTuple):
    """A record to park, and why."""

    record: Record
    error: str
    attempts: int = 1


def place_of(record: Record) -> tuple[str, str]:
    """What keeps order among itself: the topic and the key."""
    return record.topic, record.key.decode("utf-8", "replace")


def park(consumer: str, aside: Sequence[SetAside]) -> None:
    """Set records aside with their reasons, in their order; a record that was parked before changes nothing."""
    ParkedEvent.objects.bulk_create([_row(consumer, one) for one in aside], ignore_conflicts=True)
    metrics.parked.labels(consumer).inc(len(aside))


def blocked_places(consumer: str, records: Iterable[Record]) -> set[tuple[str, str]]:
    """The places among `records` that have a parked event; until the transaction ends no replay empties them."""
    keys = {record.key.decode("utf-8", "replace") for record in records}
    _lock(consumer, "pg_advisory_xact_lock_shared")
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKED, [consumer, to_json(keys).decode()])
        return set(cursor.fetchall())


def lately(consumer: str) -> int:
    """How many events were parked for themselves in the last minutes."""
    recent = ParkedEvent.objects.filter(consumer=consumer, parked_at__gt=utc_now() - LATELY)
    return recent.exclude(error=BEHIND).count()


def keep_consumer_out(consumer: str) -> None:
    """Until the running transaction ends, no batch of the consumer runs: a key must not be freed under its feet."""
    _lock(consumer, "pg_advisory_xact_lock")


def record_of(row: ParkedEvent) -> Record:
    """The record as it was received."""
    headers = [(name, value.encode()) for name, value in row.headers.items()]
    return Record(row.topic, row.partition, row.offset, row.key.encode(), bytes(row.payload), headers)


def _lock(consumer: str, function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [_LOCK_CLASS, crc32(consumer.encode()) - 2**31])


def _row(consumer: str, aside: SetAside) -> ParkedEvent:
    record = aside.record
    # PostgreSQL keeps no NUL in text, and poison may hold anything.
    headers = {name: value.decode("utf-8", "replace").replace("\x00", "\ufffd") for name, value in record.headers}
    return ParkedEvent(
        consumer=consumer,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        event_id=id_in(record.headers),
        key=place_of(record)[1],
        type=headers.get("ce_type", "")[:200],
        headers=headers,
        payload=record.value,
        error=aside.error[:4000].replace("\x00", "\ufffd"),
        attempts=aside.attempts,
    )
