"""Work that somebody wants, and usage that happened, as billing's commands take them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from billing.rules.kinds import PURCHASES, OperationKind
from billing.rules.pricing import Prices
from shared_models.ids import text_of


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


class Used(NamedTuple):
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
        """A hash of all that it says: the same usage must say the same every time.

        It is that of `digest_of`; naming the facts one by one makes the text at a third of the cost.
        """
        machine, owner, payer = text_of(self.machine_id), text_of(self.machine_owner_id), text_of(self.payer_id)
        return _hash(
            f"[('columns', {self.columns!r}), ('epochs', {self.epochs!r}), ('key', {self.key!r}),"
            f" ('kind', {self.kind!r}), ('level', {self.level!r}), ('lines', {self.lines!r}),"
            f" ('machine_id', UUID('{machine}')), ('machine_name', {self.machine_name!r}),"
            f" ('machine_owner_id', UUID('{owner}')), ('market_price_usd', {self.market_price_usd!r}),"
            f" ('payer_id', UUID('{payer}')), ('work_id', {self.work_id!r})]"
        )


class Told(NamedTuple):
    """By which event something was told, and when it happened."""

    event_id: UUID
    type: str
    at: datetime


def digest_of(**facts: object) -> str:
    """A hash of what a request or an event said."""
    return _hash(repr(sorted(facts.items())))


def _hash(said: str) -> str:
    """Journals keep it, and what is told again is compared with it: the text that is hashed must never change."""
    return sha256(said.encode()).hexdigest()


def price_of(kind: OperationKind, prices: Prices, *, columns: int, lines: int, level: int | None) -> Decimal:
    """The platform's price in EAML. Raises QuantityUnfit, LevelNotPriced."""
    if kind in PURCHASES:
        return Decimal(0)  # the seller names the price, and the platform has its fee of it
    if kind == OperationKind.TRAINING:
        return prices.training(columns=columns, lines=lines, level=level or 0)
    return prices.solving(lines=lines)
