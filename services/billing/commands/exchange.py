"""Dollars become tokens: two postings in one journal, at the price list's stated rate."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from billing.commands.book import Book, Cause, own_key, same_as
from billing.commands.funds import must_be_free
from billing.models import Journal
from billing.rules.accounts import Move, Purpose, of_platform, wallet
from billing.rules.errors import AmountUnfit
from billing.rules.kinds import TOKENS_BOUGHT
from billing.rules.pricing import money_in
from billing.rules.usage import digest_of
from shared_models.clock import utc_now
from shared_models.money import Currency, plain


@transaction.atomic
def buy_tokens(*, owner: UUID, key: str, amount_usd: object, now: datetime | None = None) -> Journal:
    """Exchange dollars of the wallet for EAML at the price list's rate, rounded in favour of the exchange.

    The same `key` buys once. Raises WalletShort, AmountUnfit.
    """
    at = now or utc_now()
    book = Book(owner)
    cause = Cause("buy-tokens", own_key(owner, key), digest_of(amount=str(amount_usd)), at)
    before = book.posted_before(cause).get(cause.key)
    if before is not None:
        return same_as(before, cause)
    usd = money_in(amount_usd, field="amount_usd")
    prices = book.prices_at(at).prices
    tokens = prices.tokens_for(usd)
    if tokens <= 0:
        raise AmountUnfit("That buys less than the smallest part of a token.", field="amount_usd")
    must_be_free(book, owner, usd)
    journal = book.post(
        cause,
        kind=TOKENS_BOUGHT,
        moves=[
            Move(wallet(owner, Currency.USD), of_platform(Purpose.EXCHANGE, Currency.USD), usd),
            Move(of_platform(Purpose.EXCHANGE, Currency.EAML), wallet(owner, Currency.EAML), tokens),
        ],
        details={"price_version": prices.version, "usd_per_eaml": plain(prices.usd_per_eaml)},
    )
    book.close()
    return journal.as_model()
