"""Handling parked events again, through the same inbox; from the admin, the API or `titan replay`."""

from __future__ import annotations

from django.db import transaction

from event_bus import parking
from event_bus.apply import apply_one, reason_of
from event_bus.models import ParkedEvent


def replay(consumer: str, *, event_id: str | None = None) -> tuple[int, int]:
    """Handle parked events again, oldest first, through the same inbox; (handled, still parked).

    Each is its own transaction: either its effects exist and it is no longer parked, or nothing changed but its
    error and attempts. A key whose first event fails again stays held back whole.
    """
    parked = ParkedEvent.objects.filter(consumer=consumer)
    wanted = parked.filter(event_id=event_id).values("key") if event_id else parked.values("key")
    handled, failed_keys = 0, set()
    for row in list(parked.filter(key__in=wanted)):
        if (row.topic, row.key) in failed_keys:
            continue
        try:
            with transaction.atomic():
                apply_one(consumer, parking.record_of(row))
                row.delete()
            handled += 1
        except Exception as error:  # whatever a handler raises is what the operator has to read
            failed_keys.add((row.topic, row.key))
            row.error, row.attempts = reason_of(error), row.attempts + 1
            row.save(update_fields=["error", "attempts"])
    return handled, ParkedEvent.objects.filter(consumer=consumer).count()
