"""What tests of a service need of the bus: deliver an event to it, read what it said."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.conf import settings

from event_bus.apply import Outcome, apply_batch
from event_bus.broker import Record
from event_bus.envelope import to_headers
from event_bus.models import OutboxEvent
from shared_models.clock import rfc3339, utc_now
from shared_models.events.contract import Event, decode, topic_of
from shared_models.ids import new_id

E = TypeVar("E", bound=Event)


def record_of(event: Event, *, event_id: UUID | None = None, offset: int = 0) -> Record:
    """`event` as Kafka would hand it over."""
    headers = to_headers(
        event_id=str(event_id or new_id()),
        type_=event.TYPE,
        key=event.key,
        source="/titan/test",
        time=rfc3339(utc_now()),
        traceparent=None,
    )
    return Record(topic_of(type(event)), 0, offset, event.key.encode(), event.model_dump_json().encode(), headers)


def deliver(*events: Event, event_id: UUID | None = None) -> Outcome:
    """Apply events as the consumer would; delivering the same `event_id` again has no effect."""
    records = [record_of(event, event_id=event_id, offset=i) for i, event in enumerate(events)]
    return apply_batch(settings.TITAN_CONSUMER_GROUP, records)


def said(contract: type[E]) -> list[E]:
    """The events of one contract that wait in the outbox, in order."""
    rows = OutboxEvent.objects.filter(type=contract.TYPE).order_by("seq")
    return [decode(row.type, row.payload) for row in rows]  # type: ignore[misc]
