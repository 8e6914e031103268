"""The proof: every balance, hold and coupon recomputed from what only grows, and every usage event found charged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from time import perf_counter
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from billing.queries.bill_checks import BILL_CHECKS
from billing.queries.checks import CHECKS, SUMS, Check
from billing.queries.completeness import GRACE, hours_of_usage
from billing.queries.contract_checks import CONTRACT_CHECKS
from billing.queries.payment_checks import PAYMENT_CHECKS
from billing.queries.statement_checks import STATEMENT_CHECKS
from billing.rules.accounts import PLATFORM
from billing.rules.completeness import Hour, first_difference
from billing.rules.kinds import USAGE_KINDS
from shared_models.clock import rfc3339, utc_now
from shared_models.events import ml
from shared_models.money import plain

USAGE_TYPES = [ml.TrainingCompleted.TYPE, ml.SolvingCompleted.TYPE, ml.PurchaseCompleted.TYPE]

EVERY_CHECK = [*CHECKS, *PAYMENT_CHECKS, *BILL_CHECKS, *CONTRACT_CHECKS, *STATEMENT_CHECKS]
COUNTED = ("journal", "posting", "operation", "hold", "account", "coupon_lot", "payment")


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check; `detail` is what holds, or the first thing that does not; `rows` were looked at."""

    name: str
    ok: bool
    detail: str
    rows: int | None = None
    milliseconds: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of all checks over one consistent state of the ledger."""

    findings: Sequence[Finding]
    usage_events: dict[str, int]
    completeness: dict[str, int]
    counts: dict[str, int]
    sums: dict[str, dict[str, str]]
    verified_at: str

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return all(finding.ok for finding in self.findings)

    @property
    def first_difference(self) -> str | None:
        """The first thing that does not hold."""
        return next((f"{finding.name}: {finding.detail}" for finding in self.findings if not finding.ok), None)

    def as_json(self) -> dict[str, Any]:
        """The verdict for programs."""
        return {
            "ok": self.ok,
            "first_difference": self.first_difference,
            "checks": [asdict(finding) for finding in self.findings],
            "usage_events": self.usage_events,
            "completeness": self.completeness,
            "counts": self.counts,
            "sums": self.sums,
            "verified_at": self.verified_at,
        }


def verify(*, now: datetime | None = None, grace: timedelta = GRACE) -> Verdict:
    """Recompute the ledger from its postings and compare. All checks see one state, whatever is posted meanwhile.

    A usage event that ml said less than `grace` ago may be on its way; one said before that is missing.
    """
    alone = not connection.in_atomic_block
    at = now or utc_now()
    with transaction.atomic():
        if alone:
            _query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", fetch=False)
        counts = _counts()
        findings = [_find(check, counts) for check in EVERY_CHECK]
        started = perf_counter()
        hours = hours_of_usage(USAGE_TYPES, now=at, grace=grace)
        findings.append(_find_missing(hours, started))
        return Verdict(
            findings=findings,
            usage_events=dict(_query("SELECT type, count(*) FROM usage GROUP BY type ORDER BY type")),
            completeness=_figures(hours),
            counts={table: counts[table] for table in COUNTED},
            sums=_sums(),
            verified_at=rfc3339(at),
        )


def _find(check: Check, counts: dict[str, int]) -> Finding:
    started = perf_counter()
    wrong = _query(check.finds)
    took = partial(Finding, rows=counts.get(check.table), milliseconds=_since(started))
    return took(check.name, not wrong, str(wrong[0][0]) if wrong else check.holds)


def _find_missing(hours: Sequence[Hour], started: float) -> Finding:
    name, difference = "usage that was said is charged", first_difference(hours)
    figures = _figures(hours)
    holds = f"every usage event that ml said has its charge, hour by hour ({figures['hours']})"
    if figures["on_the_way"]:
        holds += f"; {figures['on_the_way']} were said a moment ago and are on their way"
    if not hours:
        holds = "ml has told no count of its usage yet, so there is nothing to compare with"
    return Finding(name, difference is None, difference or holds, figures["said"], _since(started))


def _figures(hours: Sequence[Hour]) -> dict[str, int]:
    return {
        "hours": len(hours),
        "said": sum(hour.said.events for hour in hours),
        "charged": sum(hour.charged.events for hour in hours),
        "on_the_way": sum(hour.on_the_way for hour in hours),
        "missing": sum(len(hour.missing) for hour in hours),
    }


def _since(started: float) -> int:
    return round((perf_counter() - started) * 1000)


def _counts() -> dict[str, int]:
    """The rows of every table that is looked at."""
    tables = {*COUNTED, *(check.table for check in EVERY_CHECK if check.table)}
    return {table: _query(f"SELECT count(*) FROM {table}")[0][0] for table in sorted(tables)}


def _sums() -> dict[str, dict[str, str]]:
    return {currency: {"people": plain(people), "platform": plain(ours)} for currency, people, ours in _query(SUMS)}


def _query(sql: str, *, fetch: bool = True) -> list[Any]:
    facts: dict[str, Any] = {
        "consumer": settings.TITAN_CONSUMER_GROUP,
        "usage_types": USAGE_TYPES,
        "usage_kinds": USAGE_KINDS,
        "platform": PLATFORM,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, facts)
        return cursor.fetchall() if fetch else []
