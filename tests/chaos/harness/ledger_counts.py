"""What ml counts of the usage it said, and what `titan ledger verify --grace 0` finds when it compares."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from harness.ledger_events import Told
from shared_models.clock import utc_now
from shared_models.events import ml
from shared_models.ids import new_id
from shared_models.usage import as_hex, together, usage_digest


def counts_of(told: Sequence[Told]) -> list[Told]:
    """The count of each hour, as ml would tell it after it had said all of `told`; what is told twice counts once."""
    hours: dict[datetime, dict[object, ml.TrainingCompleted | ml.SolvingCompleted]] = {}
    for event_id, event in told:
        if isinstance(event, ml.TrainingCompleted | ml.SolvingCompleted):
            hour = event.completed_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            hours.setdefault(hour, {})[event_id] = event
    return [(new_id(), _count(hour, found)) for hour, found in sorted(hours.items())]


def _count(hour: datetime, found: dict[object, ml.TrainingCompleted | ml.SolvingCompleted]) -> ml.UsageCounted:
    digests = (usage_digest(event_id, event.payer_id, _lines(event)) for event_id, event in found.items())  # type: ignore[arg-type]
    return ml.UsageCounted(
        hour=hour,
        version=1,
        events=len(found),
        lines=sum(map(_lines, found.values())),
        digest=as_hex(together(digests)),
        first_at=min(event.completed_at for event in found.values()),
        event_ids=list(found),
        complete_at=utc_now() + timedelta(minutes=5),
    )


def _lines(event: ml.TrainingCompleted | ml.SolvingCompleted) -> int:
    if isinstance(event, ml.SolvingCompleted):
        return event.lines
    return event.learning_lines + event.evaluation_lines


def main() -> None:
    """Print the verdict of a verification that allows nothing to be on its way."""
    import django

    django.setup()
    from billing import queries

    sys.stdout.write(f"\n{json.dumps(queries.verify(grace=timedelta(0)).as_json())}\n")


if __name__ == "__main__":
    main()
