"""How a person pays the platform."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from billing.commands.book import Book
from billing.rules.accounts import Move, Purpose, accounts_of_person, of_platform, wallet
from billing.rules.errors import WalletShort
from billing.rules.funding import Part
from shared_models.money import Currency, plain

_REVENUE = {currency: of_platform(Purpose.REVENUE, currency) for currency in Currency}


def to_revenue(owner: UUID, parts: list[Part], owed_usd: Decimal) -> list[Move]:
    """The movements by which the parts, and what stays owed, pay the platform."""
    accounts = accounts_of_person(owner)
    moves = [Move(accounts.spent_from(part.currency), _REVENUE[part.currency], part.amount) for part in parts]
    if owed_usd:
        moves.append(Move(accounts.receivable, _REVENUE[Currency.USD], owed_usd))
    return moves


def must_be_free(book: Book, owner: UUID, amount: Decimal) -> None:
    """Raise WalletShort, saying how much is missing, unless the wallet has that many free dollars."""
    free = book.free(wallet(owner, Currency.USD))
    if free < amount:
        missing = amount - free
        raise WalletShort(
            f"The wallet has {plain(free)} USD free, {plain(missing)} USD less than this needs; top it up first.",
            missing=plain(missing),
            currency="USD",
        )
