"""The inbox: which events a consumer has already turned into effects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import connection
from pydantic_core import to_json

from shared_models.clock import utc_now
from shared_models.events.contract import Envelope

# Longer than the topics keep their records, so that nothing can come again after it was forgotten.
KEEP = timedelta(days=15)
FORGET_AT_ONCE = 10_000
# Ordered, because two batches that wait for each other's ids in different orders deadlock.
_CLAIM = (
    "WITH event AS MATERIALIZED (SELECT key::uuid AS id, value AS type FROM json_each_text(%s::json)), entered AS"
    " (INSERT INTO inbox (consumer, event_id, type, received_at) SELECT %s, id, type, %s FROM event ORDER BY id"
    " ON CONFLICT DO NOTHING RETURNING event_id) SELECT id FROM event EXCEPT ALL SELECT event_id FROM entered"
)
_FORGET = (
    "DELETE FROM inbox WHERE (consumer, event_id) IN"
    f" (SELECT consumer, event_id FROM inbox WHERE received_at < %s LIMIT {FORGET_AT_ONCE})"
)


def claim(consumer: str, envelopes: Sequence[Envelope]) -> set[UUID]:
    """Enter the events into the inbox of the running transaction; the ids that were not there before.

    One statement for the batch, which answers the few that were. A concurrent claim of the same id waits for the other
    transaction to end.
    """
    if not envelopes:
        return set()
    told = {envelope.id: envelope.type for envelope in envelopes}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [to_json(told).decode(), consumer, utc_now()])
        return set(told) - {row[0] for row in cursor.fetchall()}


def forget_old() -> int:
    """Delete entries older than KEEP, some at a time, so that no lock is held for long; how many there were."""
    deleted = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET, [utc_now() - KEEP])
            deleted += int(cursor.rowcount)
            if cursor.rowcount < FORGET_AT_ONCE:
                return deleted
