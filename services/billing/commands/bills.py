"""Paying what is owed, buying tokens, and how much a person may owe."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing import publishes
from billing.commands.funds import owed_by
from billing.commands.ledger import Cause, post, posted_before
from billing.commands.parties import lock_parties, say_balances
from billing.commands.prices import prices_at
from billing.models import Journal, Operation, Party
from billing.models.funds import funds_of
from billing.rules.accounts import Move, Purpose, of_platform, receivable, wallet
from billing.rules.errors import AmountUnfit, NothingOwed, WalletShort
from billing.rules.funding import Part
from billing.rules.kinds import TOKENS_BOUGHT, OperationKind
from billing.rules.pricing import money_in
from billing.rules.usage import digest_of
from shared_models.clock import utc_now
from shared_models.money import Currency, plain


@transaction.atomic
def pay_bill(*, owner: UUID, key: str, amount_usd: object | None = None, now: datetime | None = None) -> Journal:
    """Pay what the person owes (all of it, or `amount_usd`) from her wallet; sets her last billing time.

    The same `key` pays once. Raises NothingOwed for more than is owed, WalletShort, AmountUnfit.
    """
    at = now or utc_now()
    party = lock_parties(owner)[owner]
    cause = Cause("pay-a-bill", f"{owner}:{key}", digest_of(amount=str(amount_usd)), at)
    journal = posted_before(cause)
    if journal is not None:
        return journal
    amount = _bill(party, amount_usd)
    _must_be_free(owner, amount, at=at)
    operation = Operation.objects.create(kind=OperationKind.PAY_A_BILL, operation_user_id=owner, date_time=at)
    move = Move(wallet(owner, Currency.USD), receivable(owner), amount)
    journal = post(cause=cause, kind=OperationKind.PAY_A_BILL, moves=[move], operation=operation)
    party.last_billing_time = at
    publishes.operation_posted(operation, journal, [Part(Currency.USD, amount)], cause=cause.key)
    say_balances(party)
    return journal


@transaction.atomic
def buy_tokens(*, owner: UUID, key: str, amount_usd: object, now: datetime | None = None) -> Journal:
    """Exchange dollars of the wallet for EAML at the price list's rate, rounded in favour of the exchange.

    The same `key` buys once. Raises WalletShort, AmountUnfit.
    """
    at = now or utc_now()
    party = lock_parties(owner)[owner]
    cause = Cause("buy-tokens", f"{owner}:{key}", digest_of(amount=str(amount_usd)), at)
    journal = posted_before(cause)
    if journal is not None:
        return journal
    usd = money_in(amount_usd, field="amount_usd")
    prices = prices_at(at).prices
    tokens = prices.tokens_for(usd)
    if tokens <= 0:
        raise AmountUnfit("That buys less than the smallest part of a token.", field="amount_usd")
    _must_be_free(owner, usd, at=at)
    journal = post(
        cause=cause,
        kind=TOKENS_BOUGHT,
        moves=[
            Move(wallet(owner, Currency.USD), of_platform(Purpose.EXCHANGE, Currency.USD), usd),
            Move(of_platform(Purpose.EXCHANGE, Currency.EAML), wallet(owner, Currency.EAML), tokens),
        ],
        details={"price_version": prices.version, "usd_per_eaml": plain(prices.usd_per_eaml)},
    )
    say_balances(party)
    return journal


@transaction.atomic
def set_credit_limit(*, owner: UUID, limit_usd: object) -> Party:
    """How much the person may owe before new work is declined. Raises AmountUnfit for a negative limit."""
    limit = money_in(limit_usd, field="limit_usd", zero_fits=True)
    party = lock_parties(owner)[owner]
    party.credit_limit = limit
    say_balances(party)
    return party


def _bill(party: Party, amount_usd: object | None) -> Decimal:
    owed = owed_by(party)
    if owed <= 0:
        raise NothingOwed("You owe nothing; there is no bill to pay.")
    amount = owed if amount_usd is None else money_in(amount_usd, field="amount_usd")
    if amount > owed:
        raise NothingOwed(f"You owe {plain(owed)} USD; pay that or less.", field="amount_usd")
    return amount


def _must_be_free(owner: UUID, amount: Decimal, *, at: datetime) -> None:
    free = funds_of(owner, at=at).usd
    if free < amount:
        missing = amount - free
        raise WalletShort(
            f"The wallet has {plain(free)} USD free, {plain(missing)} USD less than this needs; top it up first.",
            missing=plain(missing),
            currency="USD",
        )
