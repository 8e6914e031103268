"""The proof: every balance, hold and coupon recomputed from what only grows, and every usage event found charged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from billing.queries.checks import CHECKS, SUMS, Check
from billing.queries.contract_checks import CONTRACT_CHECKS
from billing.queries.payment_checks import PAYMENT_CHECKS
from billing.rules.accounts import PLATFORM
from billing.rules.kinds import USAGE_KINDS
from shared_models.clock import rfc3339, utc_now
from shared_models.events import ml
from shared_models.money import plain

USAGE_TYPES = [ml.TrainingCompleted.TYPE, ml.SolvingCompleted.TYPE, ml.PurchaseCompleted.TYPE]


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check; `detail` is what holds, or the first thing that does not."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of all checks over one consistent state of the ledger."""

    findings: Sequence[Finding]
    usage_events: dict[str, int]
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
            "counts": self.counts,
            "sums": self.sums,
            "verified_at": self.verified_at,
        }


def verify() -> Verdict:
    """Recompute the ledger from its postings and compare. All checks see one state, whatever is posted meanwhile."""
    alone = not connection.in_atomic_block
    with transaction.atomic():
        if alone:
            _query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", fetch=False)
        return Verdict(
            findings=[_find(check) for check in [*CHECKS, *PAYMENT_CHECKS, *CONTRACT_CHECKS]],
            usage_events=dict(_query("SELECT type, count(*) FROM usage GROUP BY type ORDER BY type")),
            counts=_counts(),
            sums=_sums(),
            verified_at=rfc3339(utc_now()),
        )


def _find(check: Check) -> Finding:
    wrong = _query(check.finds)
    return Finding(check.name, not wrong, str(wrong[0][0]) if wrong else check.holds)


def _counts() -> dict[str, int]:
    tables = ("journal", "posting", "operation", "hold", "account", "coupon_lot", "payment")
    return {table: _query(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


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
