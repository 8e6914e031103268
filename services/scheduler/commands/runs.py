"""What scheduler does when one of its own jobs comes due, and what is noted about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from scheduler.commands.calendars import crawl
from scheduler.commands.platform_log import forget_old
from scheduler.models import JobRun
from scheduler.rules import jobs as rules
from scheduler.rules.catchup import FAILED, SUCCEEDED


@dataclass(frozen=True, slots=True)
class Report:
    """What a job did, and what went wrong."""

    result: dict[str, Any]
    error: str = ""


@transaction.atomic
def do_own_job(*, topic: str, run_id: UUID, at: datetime) -> None:
    """Do what the topic asks of scheduler and note outcome, duration and error with the run; other topics: nothing.

    `at` is when the job fired: what "old" means follows from it, so that doing it again gives the same.
    """
    do = _OWN.get(topic)
    if do is None:
        return
    began = monotonic()
    report = do(at)
    JobRun.objects.filter(pk=run_id).update(
        outcome=FAILED if report.error else SUCCEEDED,
        duration=timedelta(seconds=monotonic() - began),
        attempt=F("attempt") + 1,
        error=report.error,
        result=report.result,
    )


def _crawl(at: datetime) -> Report:
    outcomes = crawl(at=at)
    broken = [f"{name}: {said}" for name, said in outcomes.items() if isinstance(said, str)]
    read = {name: said.as_json() for name, said in outcomes.items() if not isinstance(said, str)}
    return Report({"sources": read}, error=" ".join(broken))


def _forget(at: datetime) -> Report:
    return Report(forget_old(now=at))


_OWN: dict[str, Callable[[datetime], Report]] = {rules.CRAWL: _crawl, rules.RETENTION: _forget}
