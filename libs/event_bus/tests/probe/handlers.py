"""What the probe does: one row an event; some events are made to fail."""

from django.db import OperationalError

from event_bus import on
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


POISON = Permanent("cannot be handled, ever")
ODD = RuntimeError("something unforeseen")
AWAY = OperationalError("the database went away")
