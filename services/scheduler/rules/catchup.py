"""What becomes of the instants that came due: which fire, which are only recorded, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from service_base.errors import BadInput
from shared_models.ids import derived_id

FIRED, SKIPPED = "fired", "skipped"
SUCCEEDED, FAILED = "succeeded", "failed"
OUTCOMES = [FIRED, SKIPPED, SUCCEEDED, FAILED]
COALESCE = ["all", "latest", "skip"]

LATE = "it came due while nothing was running to fire it"
OVERTAKEN = "a later instant of the same job fires instead"
TOO_OLD = "it is older than the job catches up"


@dataclass(frozen=True, slots=True)
class Policy:
    """What a job does about instants it could not fire in time.

    One that is at most `misfire_grace` late always fires. Of the later ones `coalesce` fires all, the latest or none,
    and none that is older than `window` (None: however old).
    """

    coalesce: str
    misfire_grace: timedelta
    window: timedelta | None

    def __post_init__(self) -> None:
        if self.coalesce not in COALESCE:
            raise BadInput(f"coalesce is one of {', '.join(COALESCE)}.", field="coalesce")


@dataclass(frozen=True, slots=True)
class Decision:
    """An instant and what becomes of it; `reason` says why it does not fire."""

    scheduled_for: datetime
    reason: str = ""

    @property
    def fires(self) -> bool:
        """Whether it fires."""
        return not self.reason


def decide(due: Sequence[datetime], *, policy: Policy, now: datetime, more: bool = False) -> list[Decision]:
    """One decision for each instant of `due`, oldest first, so that none vanishes.

    `more` says that further instants are due which did not fit: then the newest of all is not among these.
    """
    newest = None if more or not due else due[-1]
    return [Decision(instant, _reason(instant, instant == newest, policy, now)) for instant in due]


def jitter_of(job_id: UUID, scheduled_for: datetime, most: timedelta) -> timedelta:
    """How much later than scheduled a job fires: up to `most`, and the same whichever replica asks."""
    if not most:
        return timedelta()
    share = derived_id("jitter", job_id, scheduled_for.isoformat()).int % 1_000_000
    return most * share / 1_000_000


def _reason(instant: datetime, is_newest: bool, policy: Policy, now: datetime) -> str:
    late = now - instant
    if late <= policy.misfire_grace:
        return ""
    if policy.window is not None and late > policy.window:
        return TOO_OLD
    if policy.coalesce == "all" or (policy.coalesce == "latest" and is_newest):
        return ""
    return OVERTAKEN if policy.coalesce == "latest" else LATE
