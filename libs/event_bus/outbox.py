"""Appending to the outbox: the one way for a service to say something."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from event_bus.registry import must_be_published
from event_bus.tracing import current_traceparent
from shared_models.clock import rfc3339, utc_now
from shared_models.events.contract import Event, topic_of
from shared_models.ids import new_id

# Kafka's default limit is 1 MiB a record; headers need some of it.
MAX_PAYLOAD_BYTES = 900_000
_APPEND = (
    "INSERT INTO outbox (event_id, topic, key, type, headers, payload, occurred_at)"
    " SELECT event_id, topic, key, type, headers, payload, occurred_at"
    " FROM json_to_recordset(%s::json) AS event(event_id uuid, topic text, key text, type text, headers jsonb,"
    " payload text, occurred_at timestamptz)"
    " ON CONFLICT (event_id) DO NOTHING"
)


class OutsideTransaction(RuntimeError):
    """`append` was called where no transaction would tie the event to its rows."""


class EventTooLarge(ValueError):
    """An event whose body Kafka would refuse."""


def append(event: Event, *, event_id: UUID | None = None, occurred_at: datetime | None = None) -> UUID:
    """Put `event` into the outbox of the running transaction; it will be sent if and only if that commits.

    Take the aggregate's row lock before calling, so that events of one key leave in commit order. A given `event_id`
    that is already waiting is not appended again. Raises OutsideTransaction, NotPublished, EventTooLarge.
    """
    return append_all([(event, event_id)], occurred_at=occurred_at)[0]


def append_all(events: Sequence[tuple[Event, UUID | None]], *, occurred_at: datetime | None = None) -> list[UUID]:
    """As `append`, for many events (each with its id or None) in one statement; their ids, in order."""
    if events and not connection.in_atomic_block:
        raise OutsideTransaction(f"append {events[0][0].TYPE} inside the transaction that writes its rows")
    common = _common(occurred_at or utc_now())
    rows = [_row(event, event_id or new_id()) | common for event, event_id in events]
    if rows:
        # One JSON value: arrays of columns psycopg would quote element by element in Python, five times slower.
        with connection.cursor() as cursor:
            cursor.execute(_APPEND, [json.dumps(rows)])
    return [UUID(row["event_id"]) for row in rows]


def row_of(event: Event, event_id: UUID, at: datetime) -> dict[str, Any]:
    """The outbox's row of `event`, for the one statement that writes it together with what it tells of.

    Raises NotPublished, EventTooLarge.
    """
    return _row(event, event_id) | _common(at)


def _row(event: Event, event_id: UUID) -> dict[str, Any]:
    must_be_published(type(event))
    payload = event.model_dump_json()
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise EventTooLarge(f"{event.TYPE} is {len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} can be sent")
    about = {"topic": topic_of(type(event)), "key": event.key, "type": event.TYPE}
    return about | {"event_id": str(event_id), "payload": payload}


def _common(at: datetime) -> dict[str, Any]:
    """What all rows of one statement have in common."""
    headers = {"source": f"/titan/{settings.TITAN_CONTEXT}"}
    trace = current_traceparent()
    return {"headers": headers | ({"traceparent": trace} if trace else {}), "occurred_at": rfc3339(at)}
