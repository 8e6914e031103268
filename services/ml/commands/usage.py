"""Counting the usage that was said, so that whoever charges it can prove that none is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from django.db import transaction

from ml import publishes
from ml.commands.clock import database_now
from ml.models import PublishedUsage, UsageCount
from shared_models.usage import together, usage_digest

# Their ids fit an event by far.
COUNT_AT_ONCE = 5000
# The counts stay; the list is for those who look for what is missing.
KEEP = timedelta(days=90)
FORGET_AT_ONCE = 10_000


def count_usage() -> int:
    """Count all usage that has been committed and tell each hour's count; how many events were new."""
    counted = 0
    while made := _count_some():
        counted += made
        if made < COUNT_AT_ONCE:
            break
    return counted


@transaction.atomic
def _count_some() -> int:
    """Each event is counted once, and its count is told, in one transaction.

    What commits later, however old its time, was not seen here and raises its hour's count the next time.
    """
    # Taken before the list is read: what was committed until then is in it.
    read_at = database_now()
    waiting = PublishedUsage.objects.filter(version=None).order_by("at")
    rows = list(waiting.select_for_update(skip_locked=True)[:COUNT_AT_ONCE])
    # Another counter may hold some, or more may wait than fit: then this count is not complete.
    is_complete = len(rows) < COUNT_AT_ONCE and not waiting.exclude(pk__in=[row.pk for row in rows]).exists()
    for hour, found in groupby(rows, key=lambda row: hour_of(row.at)):
        _count(hour, list(found), read_at if is_complete else None)
    return len(rows)


def _count(hour: datetime, rows: Sequence[PublishedUsage], complete_at: datetime | None) -> None:
    UsageCount.objects.bulk_create([UsageCount(hour=hour, first_at=rows[0].at)], ignore_conflicts=True)
    count = UsageCount.objects.select_for_update().get(pk=hour)
    count.version += 1
    count.events += len(rows)
    count.lines += sum(row.lines for row in rows)
    digests = (usage_digest(row.event_id, row.payer_id, row.lines) for row in rows)
    count.digest = together(digests, int(count.digest))
    count.first_at = min(count.first_at, rows[0].at)
    count.save()
    event_ids = [row.event_id for row in rows]
    PublishedUsage.objects.filter(pk__in=event_ids).update(version=count.version)
    publishes.usage_counted(count, event_ids, complete_at=complete_at)


def forget_counted_usage() -> int:
    """Delete what was counted and is older than KEEP, some at a time; how many there were."""
    deleted = 0
    old = PublishedUsage.objects.filter(version__isnull=False)
    while ids := list(old.filter(at__lt=database_now() - KEEP).values_list("pk", flat=True)[:FORGET_AT_ONCE]):
        deleted += PublishedUsage.objects.filter(pk__in=ids).delete()[0]
    return deleted


def hour_of(moment: datetime) -> datetime:
    """The hour that a usage belongs to."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
