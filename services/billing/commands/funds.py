"""How a person pays the platform."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from billing.commands.book import Book
from billing.rules.accounts import AccountName, Move, Purpose, of_platform, receivable, spent_from, wallet
from billing.rules.errors import WalletShort
from billing.rules.funding import Part
from shared_models.money import Currency, plain


def to_revenue(owner: UUID, parts: list[Part], owed_usd: Decimal) -> list[Move]:
    """The movements by which the parts, and what stays owed, pay the platform."""
    moves = [Move(spent_from(owner, part.currency), _revenue(part.currency), part.amount) for part in parts]
    return [*moves, Move(receivable(owner), _revenue(Currency.USD), owed_usd)]


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


def _revenue(currency: Currency) -> AccountName:
    return of_platform(Purpose.REVENUE, currency)
