"""Paying what is owed, buying tokens, and how much a person may owe."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing import publishes
from billing.commands.book import Book, Cause, same_as
from billing.models import Journal, Operation, Party
from billing.rules.accounts import Move, Purpose, of_platform, receivable, wallet
from billing.rules.errors import AmountUnfit, NothingOwed, WalletShort
from billing.rules.funding import Part
from billing.rules.kinds import TOKENS_BOUGHT, OperationKind
from billing.rules.pricing import money_in
from billing.rules.usage import digest_of
from shared_models.clock import utc_now
from shared_models.ids import dated_id
from shared_models.money import Currency, plain


@transaction.atomic
def pay_bill(*, owner: UUID, key: str, amount_usd: object | None = None, now: datetime | None = None) -> Journal:
    """Pay what the person owes (all of it, or `amount_usd`) from her wallet; sets her last billing time.

    The same `key` pays once. Raises NothingOwed for more than is owed, WalletShort, AmountUnfit.
    """
    at = now or utc_now()
    book = Book(owner)
    cause = Cause("pay-a-bill", f"{owner}:{key}", digest_of(amount=str(amount_usd)), at)
    before = book.posted_before(cause).get(cause.key)
    if before is not None:
        return same_as(before, cause)
    amount = _bill(book.owed(owner), amount_usd)
    _must_be_free(book, owner, amount)
    operation = Operation(
        id=dated_id(at, "operation", cause.source, cause.key),
        kind=OperationKind.PAY_A_BILL,
        operation_user_id=owner,
        date_time=at,
    )
    move = Move(wallet(owner, Currency.USD), receivable(owner), amount)
    journal = book.post(cause, kind=OperationKind.PAY_A_BILL, moves=[move], operation=operation)
    book.parties[owner].last_billing_time = at
    paid = [Part(Currency.USD, amount)]
    book.say(publishes.operation_posted(operation, journal, paid, cause=cause.key), journal.pk)
    book.close()
    return journal


@transaction.atomic
def buy_tokens(*, owner: UUID, key: str, amount_usd: object, now: datetime | None = None) -> Journal:
    """Exchange dollars of the wallet for EAML at the price list's rate, rounded in favour of the exchange.

    The same `key` buys once. Raises WalletShort, AmountUnfit.
    """
    at = now or utc_now()
    book = Book(owner)
    cause = Cause("buy-tokens", f"{owner}:{key}", digest_of(amount=str(amount_usd)), at)
    before = book.posted_before(cause).get(cause.key)
    if before is not None:
        return same_as(before, cause)
    usd = money_in(amount_usd, field="amount_usd")
    prices = book.prices_at(at).prices
    tokens = prices.tokens_for(usd)
    if tokens <= 0:
        raise AmountUnfit("That buys less than the smallest part of a token.", field="amount_usd")
    _must_be_free(book, owner, usd)
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
    return journal


@transaction.atomic
def set_credit_limit(*, owner: UUID, limit_usd: object) -> Party:
    """How much the person may owe before new work is declined. Raises AmountUnfit for a negative limit."""
    limit = money_in(limit_usd, field="limit_usd", zero_fits=True)
    book = Book(owner)
    book.parties[owner].credit_limit = limit
    book.touch(owner)
    book.close()
    return book.parties[owner]


def _bill(owed: Decimal, amount_usd: object | None) -> Decimal:
    if owed <= 0:
        raise NothingOwed("You owe nothing; there is no bill to pay.")
    amount = owed if amount_usd is None else money_in(amount_usd, field="amount_usd")
    if amount > owed:
        raise NothingOwed(f"You owe {plain(owed)} USD; pay that or less.", field="amount_usd")
    return amount


def _must_be_free(book: Book, owner: UUID, amount: Decimal) -> None:
    free = book.free(wallet(owner, Currency.USD))
    if free < amount:
        missing = amount - free
        raise WalletShort(
            f"The wallet has {plain(free)} USD free, {plain(missing)} USD less than this needs; top it up first.",
            missing=plain(missing),
            currency="USD",
        )
