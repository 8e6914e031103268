"""Consulting: what a request is about, which state follows which, and how the amount of a contract is shared out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from billing.rules.errors import ContractState
from billing.rules.pricing import BASIS_POINTS
from service_base.errors import BadInput
from shared_models.money import split

LONGEST_DESCRIPTION = 10_000
LONGEST_NOTE = 2_000
LONGEST_DELAY_DAYS = 730
WHOLE = int(BASIS_POINTS)


class Category(StrEnum):
    """What help is asked for."""

    DATA_ENGINEERING = "data_engineering"
    MACHINE_PERFORMANCE = "machine_performance"
    API_INTEGRATION = "api_integration"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The category as people read it."""
        return _CATEGORY_LABELS[self]


class Status(StrEnum):
    """Where a request stands. A dispute is no state of its own: it holds a contract where it is."""

    OPEN = "open"
    WAITING_APPROVAL = "waiting_approval"
    CONTRACT = "contract"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        """The state as people read it."""
        return _STATUS_LABELS[self]


class OfferState(StrEnum):
    """What became of a consultant's offer; its terms never change, a new one takes its place."""

    MADE = "made"
    CHOSEN = "chosen"
    WITHDRAWN = "withdrawn"


_CATEGORY_LABELS = {
    Category.DATA_ENGINEERING: "Data Engineering",
    Category.MACHINE_PERFORMANCE: "Machine performance",
    Category.API_INTEGRATION: "API Integration",
    Category.OTHER: "Other",
}
_STATUS_LABELS = {
    Status.OPEN: "open for offers",
    Status.WAITING_APPROVAL: "waiting for the consultant",
    Status.CONTRACT: "contract",
    Status.FINISHED: "finished",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
}
# The database holds the same table in the trigger `consulting_request_moves_on`.
FOLLOWS = {
    Status.OPEN: {Status.WAITING_APPROVAL, Status.CANCELLED},
    Status.WAITING_APPROVAL: {Status.OPEN, Status.CONTRACT, Status.CANCELLED},
    Status.CONTRACT: {Status.FINISHED, Status.FAILED, Status.CANCELLED},
    Status.FINISHED: set(),
    Status.FAILED: set(),
    Status.CANCELLED: set(),
}
ENDED = (Status.FINISHED, Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Ending:
    """What becomes of the escrow: the consultant is `paid`, the platform keeps `fee`, the client gets `returned`."""

    paid: Decimal
    fee: Decimal
    returned: Decimal


def must_follow(now: str, wanted: Status) -> None:
    """Raise ContractState unless `wanted` can follow the state `now`."""
    present = Status(now)
    if wanted not in FOLLOWS[present]:
        raise ContractState(
            f"This request is {present.label}; what you asked for needs another state, and nothing was changed.",
            status_now=present.value,
        )


def ending(amount: Decimal, *, consultant_basis_points: int, fee_basis_points: int) -> Ending:
    """The parts of a contract's amount, which sum to it to the last place (largest remainder, twice).

    First the consultant's share and the client's, then the platform's fee out of the consultant's.
    """
    share = Decimal(consultant_basis_points)
    gross, returned = split(amount, [share, BASIS_POINTS - share])
    kept = Decimal(fee_basis_points)
    paid, fee = split(gross, [BASIS_POINTS - kept, kept])
    return Ending(paid, fee, returned)


def due_at(start: datetime, delay_days: int) -> datetime:
    """Until when the work is to be delivered."""
    return start + timedelta(days=delay_days)


def category_of(text: str) -> Category:
    """The category called so. Raises BadInput naming what there is."""
    try:
        return Category(text)
    except ValueError:
        raise BadInput(f"Choose one of {', '.join(Category)}.", field="category") from None


def delay_of(days: object) -> int:
    """A delay in days. Raises BadInput for what is no whole number of days that a contract can take."""
    whole = days if isinstance(days, int) and not isinstance(days, bool) else None
    if whole is None or not 1 <= whole <= LONGEST_DELAY_DAYS:
        raise BadInput(f"Give 1 to {LONGEST_DELAY_DAYS} whole days.", field="delay_days")
    return whole


def share_of(basis_points: object) -> int:
    """The consultant's share of a settled dispute. Raises BadInput outside 0 to 10000."""
    whole = basis_points if isinstance(basis_points, int) and not isinstance(basis_points, bool) else None
    if whole is None or not 0 <= whole <= WHOLE:
        raise BadInput(f"Give 0 to {WHOLE} basis points.", field="consultant_basis_points")
    return whole


def written(text: str, *, field: str, longest: int, needed: bool = True) -> str:
    """A person's text without the blanks around it. Raises BadInput when there is none or too much."""
    kept = text.strip()
    if (needed and not kept) or len(kept) > longest:
        raise BadInput(f"Write {'1' if needed else '0'} to {longest} characters.", field=field)
    if "\x00" in kept:
        raise BadInput("A text cannot hold the character NUL.", field=field)
    return kept
