"""Handling parked events again, through the same inbox; from the admin, the API or `titan replay`."""

from __future__ import annotations

from django.db import transaction

from event_bus import parking
from event_bus.apply import TRANSIENT, apply_one, reason_of
from event_bus.models import ParkedEvent


def replay(consumer: str, *, event_id: str | None = None) -> tuple[int, int]:
    """Handle parked events again (all, or those of one event's key), a key in its order; (handled, still parked).

    Each is its own transaction: either its effects exist and it is no longer parked, or nothing changed but its
    error and attempts. A key whose first event fails again stays held back whole. Raises a TRANSIENT error.
    """
    parked = ParkedEvent.objects.filter(consumer=consumer)
    wanted = parked.filter(event_id=event_id) if event_id else parked
    places = dict.fromkeys(wanted.order_by("id").values_list("topic", "key"))
    handled = sum(_replay_key(consumer, topic, key) for topic, key in places)
    return handled, parked.count()


def _replay_key(consumer: str, topic: str, key: str) -> int:
    handled = 0
    # Asked anew each time: while this runs, more events of the key may come to wait behind.
    while row := ParkedEvent.objects.filter(consumer=consumer, topic=topic, key=key).order_by("id").first():
        try:
            _handle(consumer, row)
        except TRANSIENT:
            raise
        except Exception as error:  # whatever a handler raises is what the operator has to read
            row.error, row.attempts = reason_of(error), row.attempts + 1
            row.save(update_fields=["error", "attempts"])
            break
        handled += 1
    return handled


@transaction.atomic
def _handle(consumer: str, row: ParkedEvent) -> None:
    """Either the event's effects exist and it is no longer parked, or both are as before."""
    parking.keep_consumer_out(consumer)
    # Somebody else's replay may have been faster; then there is nothing left to do.
    if ParkedEvent.objects.filter(pk=row.pk).exists():
        apply_one(consumer, parking.record_of(row))
        ParkedEvent.objects.filter(pk=row.pk).delete()
