"""How a person pays the platform."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from billing.rules.accounts import AccountName, Move, Purpose, of_platform, receivable, spent_from
from billing.rules.funding import Part
from shared_models.money import Currency


def to_revenue(owner: UUID, parts: list[Part], owed_usd: Decimal) -> list[Move]:
    """The movements by which the parts, and what stays owed, pay the platform."""
    moves = [Move(spent_from(owner, part.currency), _revenue(part.currency), part.amount) for part in parts]
    return [*moves, Move(receivable(owner), _revenue(Currency.USD), owed_usd)]


def _revenue(currency: Currency) -> AccountName:
    return of_platform(Purpose.REVENUE, currency)
