"""What the probe does: one row an event; some events are made to fail."""

from collections.abc import Sequence

from django.db import OperationalError

from event_bus import on, on_batch
from event_bus.parking import Permanent
from event_bus.tests.probe.models import Effect
from shared_models.events import Envelope, ml

# What goes wrong, by server name: tests put callables here.
trouble: dict[str, BaseException | None] = {}


@on(ml.WorkStarted)
def remember(event: ml.WorkStarted, envelope: Envelope) -> None:
    """Write the effect, then fail if the test wants it."""
    Effect.objects.create(event_id=envelope.id, key=str(event.work_id), number=event.attempt)
    error = trouble.get(event.server_name)
    if error is not None:
        raise error


# How many events each call of the batch handler got.
batches: list[int] = []


@on_batch(ml.WorkFailed)
def remember_together(failed: Sequence[tuple[ml.WorkFailed, Envelope]]) -> None:
    """Write all effects at once, and note how many came together; the reason is the number."""
    batches.append(len(failed))
    Effect.objects.bulk_create(
        Effect(event_id=envelope.id, key=str(event.work_id), number=int(event.reason)) for event, envelope in failed
    )


POISON = Permanent("cannot be handled, ever")
ODD = RuntimeError("something unforeseen")
AWAY = OperationalError("the database went away")
