"""What the service does when it hears a count: it writes one row."""

import os

from event_bus import on
from event_bus.parking import Permanent
from harness import failpoints
from harness.probe.events import Counted
from harness.probe.models import Effect
from shared_models.events import Envelope

MEMBER = os.environ.get("TITAN_CHAOS_MEMBER", "")


@on(Counted)
def write_down(event: Counted, envelope: Envelope) -> None:
    """Write the effect; an event marked as poison is refused for good unless the environment says it was mended."""
    with failpoints.around("consumer.handler"):
        if event.poison and "TITAN_CHAOS_MENDED" not in os.environ:
            raise Permanent(f"{event.name} {event.number} is poison")
        Effect.objects.create(
            event_id=envelope.id, key=event.name, number=event.number, at=envelope.time, member=MEMBER
        )
