"""Verifying the ledger and keeping what was found: when asked for, and once a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import perf_counter
from uuid import UUID

import structlog

from billing import queries
from billing.models import Journal, Verification
from shared_models.clock import utc_now

EVERY = timedelta(days=1)

log = structlog.get_logger("titan.billing")


def verify_ledger(*, asked_by: str, by: UUID | None = None, grace: timedelta = queries.GRACE) -> Verification:
    """Recompute the whole ledger and keep the verdict for ever. Reads one state of it and holds nobody up."""
    started_at, started = utc_now(), perf_counter()
    verdict = queries.verify(grace=grace)
    found = Verification.objects.create(
        started_at=started_at,
        milliseconds=round((perf_counter() - started) * 1000),
        is_ok=verdict.ok,
        first_difference=verdict.first_difference or "",
        asked_by=asked_by,
        by_id=by,
        verdict=verdict.as_json(),
    )
    if verdict.ok:
        log.info("ledger.verified", milliseconds=found.milliseconds)
    else:
        log.error("ledger.does_not_hold", first_difference=found.first_difference)
    return found


def verify_daily(*, now: datetime | None = None) -> Verification | None:
    """Verify when the last time, whoever asked, was a day ago; a ledger is verified a day after it began."""
    last = Verification.objects.values_list("started_at", flat=True).first()
    began = last or Journal.objects.order_by("recorded_at").values_list("recorded_at", flat=True).first()
    due = began is not None and began <= (now or utc_now()) - EVERY
    return verify_ledger(asked_by="schedule") if due else None
