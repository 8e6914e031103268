"""What ml says it said: kept by hour, with the usage that has not arrived yet, so that none can be missing unseen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from shared_models.clock import utc_now
from shared_models.events import ml

_KEEP = """
    INSERT INTO usage_count (hour, version, events, lines, digest, first_at, complete_at, received_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (hour) DO UPDATE SET version = EXCLUDED.version, events = EXCLUDED.events, lines = EXCLUDED.lines,
        digest = EXCLUDED.digest, first_at = EXCLUDED.first_at, complete_at = EXCLUDED.complete_at,
        received_at = EXCLUDED.received_at
    WHERE usage_count.version < EXCLUDED.version
"""
_AWAIT = """
    INSERT INTO awaited_usage (event_id, hour, since)
    SELECT told.id, %s, %s FROM unnest(%s::uuid[]) AS told(id)
    WHERE NOT EXISTS (SELECT FROM usage WHERE usage.event_id = told.id)
    ON CONFLICT DO NOTHING
"""
_FORGET = "DELETE FROM awaited_usage USING usage WHERE usage.event_id = awaited_usage.event_id"


@transaction.atomic
def keep_count(told: ml.UsageCounted, *, now: datetime | None = None) -> None:
    """Keep an hour's count unless a newer one is known, and note what of it has not been charged.

    Most of what is noted arrives a moment later; what does not is named by the next verification.
    """
    at = now or utc_now()
    kept: list[Any] = [
        told.hour,
        told.version,
        told.events,
        told.lines,
        told.digest,
        told.first_at,
        told.complete_at,
        at,
    ]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, kept)
        cursor.execute(_AWAIT, (told.hour, at, [*told.event_ids]))


@transaction.atomic
def forget_arrived() -> int:
    """Usage that was awaited and has been charged since is awaited no more; how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
        return int(cursor.rowcount)
