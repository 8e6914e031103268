"""Keeping what solved rows looked like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from ml.models import DriftCount, Machine
from ml.rules.drift import add
from shared_models.clock import utc_now

KEPT = timedelta(days=90)


@transaction.atomic
def keep_drift(*, machine_id: UUID, model_id: UUID, hour: datetime, counts: Mapping[str, Sequence[int]]) -> None:
    """Add to the hour's counts; of a machine that is gone nothing is kept."""
    if not counts or not Machine.objects.filter(pk=machine_id, deleted_at=None).exists():
        return
    DriftCount.objects.bulk_create(
        [DriftCount(machine_id=machine_id, model_id=model_id, hour=hour)], ignore_conflicts=True
    )
    row = DriftCount.objects.select_for_update().get(machine_id=machine_id, model_id=model_id, hour=hour)
    add(row.counts, counts)
    row.lines = max(sum(own) for own in row.counts.values())
    row.save(update_fields=["counts", "lines"])


def forget_old_drift() -> int:
    """Drop what is older than is ever shown; how many hours that were."""
    return DriftCount.objects.filter(hour__lt=utc_now() - KEPT).delete()[0]
