"""The platform's log: storing what processes report, forgetting what is old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from scheduler.models import JobRun, PlatformLog
from service_base.platform_log import LogLine
from shared_models.retention import forget_expired
from shared_models.timeseries import ALIAS

KEEP_RUNS = timedelta(days=180)


def store_platform_log(*, lines: Sequence[LogLine]) -> None:
    """Keep the lines, all or none; one that is stored already stays as it is, so a redelivery changes nothing."""
    rows = [PlatformLog(**line.model_dump()) for line in lines]
    with transaction.atomic(using=ALIAS):
        PlatformLog.objects.bulk_create(rows, ignore_conflicts=True)


def forget_old(*, now: datetime) -> dict[str, int]:
    """Delete log lines and runs past their time; how many of each.

    How long lines are kept stands in their table's migration. TimescaleDB's policy or the worker's hourly loop may
    have forgotten them before.
    """
    lines = forget_expired(now=now).get("platform_log", 0)
    with transaction.atomic():
        runs, _ = JobRun.objects.filter(scheduled_for__lt=now - KEEP_RUNS).delete()
    return {"log_lines": lines, "runs": runs}
