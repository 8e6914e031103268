"""What the service does when it hears a count: it writes one row for each."""

import os
from collections.abc import Sequence

from event_bus.parking import Permanent
from event_bus.registry import on_batch
from harness import failpoints
from harness.probe.events import Counted
from harness.probe.models import Effect
from shared_models.events import Envelope


@on_batch(Counted)
def write_down(deliveries: Sequence[tuple[Counted, Envelope]]) -> None:
    """Write the effects; an event marked as poison is refused for good unless the environment says it was mended."""
    rows, member = [], os.environ["TITAN_CHAOS_MEMBER"]
    for event, envelope in deliveries:
        with failpoints.around("consumer.handler"):
            if event.poison and "TITAN_CHAOS_MENDED" not in os.environ:
                raise Permanent(f"{event.name} {event.number} is poison")
            rows.append(
                Effect(event_id=envelope.id, key=event.name, number=event.number, at=envelope.time, member=member)
            )
    Effect.objects.bulk_create(rows)
