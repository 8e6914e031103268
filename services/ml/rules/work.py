"""How work moves from being asked for to its end, and what a lost lease means."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from service_base.errors import Conflict

MOST_ATTEMPTS = 3
# A trainer that was not heard of for this long has lost its work.
LEASE = timedelta(seconds=15)


class WorkKind(StrEnum):
    """What the work does with its machine."""

    TRAINING = "training"
    SOLVING = "solving"


class WorkState(StrEnum):
    """Where the work is; the last four are ends."""

    AWAITING_FUNDS = "awaiting_funds"
    QUEUED = "queued"
    LEASED = "leased"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"


ENDED = frozenset({WorkState.SUCCEEDED, WorkState.FAILED, WorkState.CANCELLED, WorkState.DEAD})
OPEN = frozenset(WorkState) - ENDED
HELD_BY_A_SERVER = frozenset({WorkState.LEASED, WorkState.RUNNING})

_NEXT = {
    WorkState.AWAITING_FUNDS: {WorkState.QUEUED, WorkState.FAILED, WorkState.CANCELLED},
    WorkState.QUEUED: {WorkState.LEASED, WorkState.CANCELLED},
    WorkState.LEASED: {WorkState.RUNNING, WorkState.QUEUED, WorkState.FAILED, WorkState.CANCELLED, WorkState.DEAD},
    WorkState.RUNNING: {
        WorkState.SUCCEEDED,
        WorkState.QUEUED,
        WorkState.FAILED,
        WorkState.CANCELLED,
        WorkState.DEAD,
    },
}


class WrongState(Conflict):
    """The work is not in a state that allows what was asked."""

    slug = "wrong-state"
    title = "The work is past that"


class LeaseLost(Conflict):
    """Somebody else has the work now, or it ended: whatever this server found out must not be stored."""

    slug = "lease-lost"
    title = "The lease is lost"


def can_become(state: str, following: str) -> bool:
    """Whether work may go from one state to the other."""
    return WorkState(following) in _NEXT.get(WorkState(state), set())


def must_become(state: str, following: str) -> WorkState:
    """The following state. Raises WrongState when work does not go that way."""
    if not can_become(state, following):
        raise WrongState(f"The work is {state}; it cannot become {following}.")
    return WorkState(following)


def after_lost_attempt(attempts: int) -> WorkState:
    """A server died with the work: it is tried again, up to three times in all."""
    return WorkState.QUEUED if attempts < MOST_ATTEMPTS else WorkState.DEAD
