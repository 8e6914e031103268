"""The chart of accounts: who can own what, in which currency, and how low it may go."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from shared_models.ids import derived_id
from shared_models.money import Currency

# The owner of every account that is not a person's.
PLATFORM = derived_id("billing", "platform")


class Purpose(StrEnum):
    """What an account is for. A balance is what was credited minus what was debited."""

    WALLET = "wallet"
    COUPON = "coupon"
    RECEIVABLE = "receivable"
    PAYMENT_CLEARING = "payment_clearing"
    REVENUE = "revenue"
    MARKETPLACE_FEE = "marketplace_fee"
    PROMO_EXPENSE = "promo_expense"
    BREAKAGE = "breakage"
    EXCHANGE = "exchange"
    SELLER_PAYABLE = "seller_payable"
    PAYOUT_IN_TRANSIT = "payout_in_transit"
    ESCROW = "escrow"
    TAX = "tax"
    SUSPENSE = "suspense"


# What nobody can spend more of than there is.
_FLOORED = (Purpose.WALLET, Purpose.COUPON, Purpose.SELLER_PAYABLE, Purpose.PAYOUT_IN_TRANSIT, Purpose.ESCROW)


@dataclass(frozen=True, slots=True)
class AccountName:
    """An account by what it is; its id follows from that, so that nobody has to look it up."""

    owner: UUID
    purpose: Purpose
    currency: Currency
    id: UUID = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", derived_id("billing account", self.owner, self.purpose, self.currency))

    @property
    def floor(self) -> Decimal | None:
        """How low the account's free balance may go: people cannot spend what they lack, the platform has no floor."""
        return Decimal(0) if self.purpose in _FLOORED else None


# A batch names the accounts of its people over and over, and an id is a hash.
_named = lru_cache(maxsize=1 << 17)(AccountName)


class Move(NamedTuple):
    """An amount that goes from `debit` to `credit`, which have the same currency."""

    debit: AccountName
    credit: AccountName
    amount: Decimal


def wallet(owner: UUID, currency: Currency) -> AccountName:
    """A person's own money, in US dollars or tokens."""
    return _named(owner, Purpose.WALLET, currency)


def coupon_account(owner: UUID) -> AccountName:
    """A person's coupon credit."""
    return _named(owner, Purpose.COUPON, Currency.COUPON)


def receivable(owner: UUID) -> AccountName:
    """What a person owes for usage that her funds did not cover; below zero while she owes."""
    return _named(owner, Purpose.RECEIVABLE, Currency.USD)


def seller_payable(owner: UUID) -> AccountName:
    """What a person earned on the market and has neither kept in her wallet nor been paid out."""
    return _named(owner, Purpose.SELLER_PAYABLE, Currency.USD)


def payout_in_transit(owner: UUID) -> AccountName:
    """What is on its way to a person's bank; it comes back to nothing when the payment provider has answered."""
    return _named(owner, Purpose.PAYOUT_IN_TRANSIT, Currency.USD)


def escrow(owner: UUID) -> AccountName:
    """What a person's signed contracts have set aside for the consultants."""
    return _named(owner, Purpose.ESCROW, Currency.USD)


def of_platform(purpose: Purpose, currency: Currency) -> AccountName:
    """One of the platform's accounts."""
    return _named(PLATFORM, purpose, currency)


@lru_cache(maxsize=1 << 14)
def accounts_of_person(owner: UUID) -> tuple[AccountName, ...]:
    """All accounts that a person has from her first movement on."""
    return (
        wallet(owner, Currency.USD),
        wallet(owner, Currency.EAML),
        coupon_account(owner),
        receivable(owner),
        seller_payable(owner),
        payout_in_transit(owner),
        escrow(owner),
    )


def accounts_of_platform() -> list[AccountName]:
    """All accounts of the platform."""
    usd, eaml, coupon = Currency.USD, Currency.EAML, Currency.COUPON
    return [
        of_platform(Purpose.PAYMENT_CLEARING, usd),
        of_platform(Purpose.TAX, usd),
        of_platform(Purpose.SUSPENSE, usd),
        of_platform(Purpose.MARKETPLACE_FEE, usd),
        of_platform(Purpose.PROMO_EXPENSE, coupon),
        of_platform(Purpose.BREAKAGE, coupon),
        *(of_platform(Purpose.REVENUE, currency) for currency in (usd, eaml, coupon)),
        *(of_platform(Purpose.EXCHANGE, currency) for currency in (usd, eaml)),
    ]


def spent_from(owner: UUID, currency: Currency) -> AccountName:
    """The account that a person pays with in `currency`."""
    return coupon_account(owner) if currency == Currency.COUPON else wallet(owner, currency)
