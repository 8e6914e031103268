"""Parking: events that cannot be handled wait, with the reason, and hold back only their own key."""

from __future__ import annotations

from collections.abc import Iterable

from event_bus import metrics
from event_bus.broker import Record
from event_bus.models import ParkedEvent

BEHIND = "waits behind a parked event of its key"


class Permanent(Exception):
    """Raised by a handler when trying again can never help; the event is parked at once."""


def park(consumer: str, record: Record, *, error: str, attempts: int = 1) -> None:
    """Set a record aside with its reason; the same record delivered again changes nothing."""
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
    ParkedEvent.objects.get_or_create(
        consumer=consumer,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        defaults={
            "event_id": _uuid_or_none(headers.get("ce_id")),
            "key": record.key.decode("utf-8", "replace"),
            "type": headers.get("ce_type", ""),
            "headers": headers,
            "payload": record.value,
            "error": error[:4000],
            "attempts": attempts,
        },
    )
    metrics.parked.labels(consumer).inc()


def blocked_keys(consumer: str, records: Iterable[Record]) -> set[tuple[str, str]]:
    """The (topic, key) pairs among `records` that have a parked event."""
    wanted = {(record.topic, record.key.decode("utf-8", "replace")) for record in records}
    parked = ParkedEvent.objects.filter(consumer=consumer, key__in=[key for _, key in wanted])
    return wanted & set(parked.values_list("topic", "key"))


def record_of(row: ParkedEvent) -> Record:
    """The record as it was received."""
    headers = [(name, value.encode()) for name, value in row.headers.items()]
    return Record(row.topic, row.partition, row.offset, row.key.encode(), bytes(row.payload), headers)


def _uuid_or_none(text: str | None) -> str | None:
    return text if text and len(text) == 36 else None
