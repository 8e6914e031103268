"""Work that somebody wants, and usage that happened, as billing's commands take them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.rules.kinds import PURCHASES, OperationKind
from billing.rules.pricing import Prices


@dataclass(frozen=True, slots=True)
class WantedWork:
    """Work that asks for funds before it starts."""

    work_id: UUID
    kind: OperationKind
    machine_id: UUID
    machine_name: str
    machine_owner_id: UUID
    payer_id: UUID
    columns: int
    lines: int
    level: int
    # What a purchase costs beside the platform's price; its seller gets it.
    price_usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Used:
    """Usage that happened. `key` is what makes it one usage, however often and under whatever event id it is told."""

    key: str
    kind: OperationKind
    machine_id: UUID
    machine_name: str
    machine_owner_id: UUID
    payer_id: UUID
    lines: int
    columns: int
    work_id: UUID | None = None
    level: int | None = None
    epochs: int | None = None
    market_price_usd: Decimal | None = None

    @property
    def digest(self) -> str:
        """A hash of all that it says: the same usage must say the same every time."""
        return digest_of(**{name: getattr(self, name) for name in _USED})


_USED = [field.name for field in fields(Used)]


@dataclass(frozen=True, slots=True)
class Told:
    """By which event something was told, and when it happened."""

    event_id: UUID
    type: str
    at: datetime


def digest_of(**facts: object) -> str:
    """A hash of what a request or an event said."""
    return hashlib.sha256(repr(sorted(facts.items())).encode()).hexdigest()


def price_of(kind: OperationKind, prices: Prices, *, columns: int, lines: int, level: int | None) -> Decimal:
    """The platform's price in EAML. Raises QuantityUnfit, LevelNotPriced."""
    if kind in PURCHASES:
        return Decimal(0)  # the seller names the price, and the platform has its fee of it
    if kind == OperationKind.TRAINING:
        return prices.training(columns=columns, lines=lines, level=level or 0)
    return prices.solving(lines=lines)
