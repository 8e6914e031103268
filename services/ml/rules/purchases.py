"""What can be bought of a machine's owner, when, and how a purchase moves to its end."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from service_base.errors import BadInput, Conflict
from shared_models.money import MoneyError, exact

MOST_ATTEMPTS = 3
# A delivery that was not heard of for this long is taken up by another worker.
LEASE = timedelta(seconds=30)
# What is being changed right now is looked at again after so long.
LATER = timedelta(seconds=2)


class PurchaseKind(StrEnum):
    """What is bought."""

    BUY_DATA_SOURCE = "buy_data_source"
    MACHINE_COPY = "machine_copy"
    MACHINE_COPY_UPDATE = "machine_copy_update"

    @property
    def label(self) -> str:
        """The kind as people read it."""
        return _LABELS[self]


_LABELS = {
    PurchaseKind.BUY_DATA_SOURCE: "Lines",
    PurchaseKind.MACHINE_COPY: "Copy",
    PurchaseKind.MACHINE_COPY_UPDATE: "News for a copy",
}


class PurchaseState(StrEnum):
    """Where the purchase is; the last three are ends."""

    AWAITING_FUNDS = "awaiting_funds"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({PurchaseState.SUCCEEDED, PurchaseState.FAILED, PurchaseState.CANCELLED})
OPEN = frozenset(PurchaseState) - ENDED

_WITHOUT_DELIVERY = {PurchaseState.FAILED, PurchaseState.CANCELLED}
_NEXT = {
    PurchaseState.AWAITING_FUNDS: {PurchaseState.QUEUED} | _WITHOUT_DELIVERY,
    PurchaseState.QUEUED: {PurchaseState.RUNNING} | _WITHOUT_DELIVERY,
    PurchaseState.RUNNING: {PurchaseState.RUNNING, PurchaseState.QUEUED, PurchaseState.SUCCEEDED} | _WITHOUT_DELIVERY,
}


class PurchaseEnded(Conflict):
    """The purchase is past what was asked of it."""

    slug = "purchase-ended"
    title = "The purchase is past that"


class NotForSale(Conflict):
    """The owner does not sell this, or not any more."""

    slug = "not-for-sale"
    title = "This is not for sale"


class OwnMachine(Conflict):
    """A seller wants to buy from herself."""

    slug = "own-machine"
    title = "Nobody buys from herself"


class PriceChanged(Conflict):
    """The price is not the one that the buyer saw."""

    slug = "price-changed"
    title = "The price is another by now"


class AlreadyBought(Conflict):
    """She has it, or is about to get it."""

    slug = "already-bought"
    title = "This was bought already"


def must_become(state: str, following: PurchaseState) -> PurchaseState:
    """The following state. Raises PurchaseEnded when purchases do not go that way."""
    if following not in _NEXT.get(PurchaseState(state), set()):
        raise PurchaseEnded(f"The purchase is {state.replace('_', ' ')}; it cannot become {following.value}.")
    return following


def price_in(amount: object, *, field: str) -> Decimal:
    """A price that an owner named. Raises BadInput naming the field."""
    try:
        price = exact(amount)
    except MoneyError as error:
        raise BadInput(f"{str(error)[:150]}.", field=field) from None
    if price < 0:
        raise BadInput("A price is not negative.", field=field)
    return price
