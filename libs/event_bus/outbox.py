"""Appending to the outbox: the one way for a service to say something."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from event_bus.registry import must_be_published
from event_bus.tracing import current_traceparent
from shared_models.clock import rfc3339, utc_now
from shared_models.cursors import bound_by_server
from shared_models.events.contract import Event, topic_of
from shared_models.ids import new_id

# Kafka's default limit is 1 MiB a record; headers need some of it.
MAX_PAYLOAD_BYTES = 900_000
# A longer body goes to PostgreSQL as it is: as a part of JSON it would be escaped here and taken apart there.
LONG = 8_000
_INSERT = "INSERT INTO outbox (event_id, topic, key, type, headers, payload, occurred_at)"
_ONCE = "ON CONFLICT (event_id) DO NOTHING"
_AS_JSON = f"""{_INSERT} SELECT event.* FROM json_to_recordset(%s::json) AS event(event_id uuid, topic text, key text,
    type text, headers jsonb, payload text, occurred_at timestamptz) {_ONCE}"""
_AS_IT_IS = f"""{_INSERT}
    VALUES (%(event_id)s, %(topic)s, %(key)s, %(type)s, %(headers)s, %(payload)s, %(occurred_at)s) {_ONCE}"""


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
    """As `append`, for many events (each with its id or None), short ones together; their ids, in order."""
    if not events:
        return []
    if not connection.in_atomic_block:
        raise OutsideTransaction(f"append {events[0][0].TYPE} inside the transaction that writes its rows")
    common = common_of(occurred_at or utc_now())
    rows = [_row(event, event_id or new_id()) | common for event, event_id in events]
    with bound_by_server() as cursor:
        for is_long, some in groupby(rows, key=lambda row: len(row["payload"]) > LONG):
            if is_long:
                for row in some:
                    cursor.execute(_AS_IT_IS, row | {"headers": json.dumps(row["headers"])})
            else:
                # One value: arrays of columns psycopg would quote element by element in Python, five times slower.
                cursor.execute(_AS_JSON, [json.dumps(list(some))])
    return [UUID(row["event_id"]) for row in rows]


def row_of(event: Event, event_id: UUID, at: datetime) -> dict[str, Any]:
    """The outbox's row of `event`, for the one statement that writes it together with what it tells of.

    Raises NotPublished, EventTooLarge.
    """
    return _row(event, event_id) | common_of(at)


def _row(event: Event, event_id: UUID) -> dict[str, Any]:
    must_be_published(type(event))
    payload = event.model_dump_json()
    size = len(payload) if payload.isascii() else len(payload.encode())
    if size > MAX_PAYLOAD_BYTES:
        raise EventTooLarge(f"{event.TYPE} is {size} bytes; at most {MAX_PAYLOAD_BYTES} can be sent")
    about = {"topic": topic_of(type(event)), "key": event.key, "type": event.TYPE}
    return about | {"event_id": str(event_id), "payload": payload}


def common_of(at: datetime) -> dict[str, Any]:
    """What all rows of one statement have in common: where they come from, the trace they belong to, and when."""
    headers = {"source": f"/titan/{settings.TITAN_CONTEXT}"}
    trace = current_traceparent()
    return {"headers": headers | ({"traceparent": trace} if trace else {}), "occurred_at": rfc3339(at)}
