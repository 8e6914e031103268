"""The inbox: which events a consumer has already turned into effects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import connection

from event_bus.models import InboxEntry
from shared_models.clock import utc_now
from shared_models.events.contract import Envelope

# Longer than the topics keep their records, so that nothing can come again after it was forgotten.
KEEP = timedelta(days=15)


def claim(consumer: str, envelopes: Sequence[Envelope]) -> set[UUID]:
    """Enter the events into the inbox of the running transaction; the ids that were not there before.

    One statement for the batch. A concurrent claim of the same id waits for the other transaction to end.
    """
    if not envelopes:
        return set()
    # Sorted, because two batches that wait for each other's ids in different orders deadlock.
    pairs = sorted({envelope.id: envelope.type for envelope in envelopes}.items())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO inbox (consumer, event_id, type, received_at)"
            " SELECT %s, unnest(%s::uuid[]), unnest(%s::text[]), %s"
            " ON CONFLICT DO NOTHING RETURNING event_id",
            [consumer, [id_ for id_, _ in pairs], [type_ for _, type_ in pairs], utc_now()],
        )
        return {row[0] for row in cursor.fetchall()}


def forget_old() -> int:
    """Delete entries older than KEEP; how many there were."""
    deleted, _ = InboxEntry.objects.filter(received_at__lt=utc_now() - KEEP).delete()
    return deleted
