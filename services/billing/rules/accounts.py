"""The chart of accounts: who can own what, in which currency, and how low it may go."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache, lru_cache
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
# Nothing that a person's usage is paid from.
SET_ASIDE = (Purpose.SELLER_PAYABLE, Purpose.PAYOUT_IN_TRANSIT, Purpose.ESCROW)


@dataclass(frozen=True, slots=True)
class AccountName:
    """An account by what it is; its id follows from that, so that nobody has to look it up."""

    owner: UUID
    purpose: Purpose
    currency: Currency
    # The id as rows name it, and as a page remembers balances by it: a text is looked up much faster than a UUID.
    key: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", str(derived_id("billing account", self.owner, self.purpose, self.currency)))

    @property
    def id(self) -> UUID:
        """The account's primary key."""
        return UUID(self.key)

    @property
    def floor(self) -> Decimal | None:
        """How low the account's free balance may go: people cannot spend what they lack, the platform has no floor."""
        return Decimal(0) if self.purpose in _FLOORED else None


class PersonsAccounts(NamedTuple):
    """All accounts that a person has from her first movement on."""

    usd: AccountName
    eaml: AccountName
    coupon: AccountName
    receivable: AccountName
    seller_payable: AccountName
    payout_in_transit: AccountName
    escrow: AccountName

    def charged(self) -> tuple[AccountName, ...]:
        """What her usage is paid from, and what she owes for it."""
        return self.usd, self.eaml, self.coupon, self.receivable

    def set_aside(self) -> tuple[AccountName, ...]:
        """What she earned and what waits for its end: those of the purposes that are SET_ASIDE."""
        return self.seller_payable, self.payout_in_transit, self.escrow

    def spent_from(self, currency: Currency) -> AccountName:
        """The one that she pays with in `currency`."""
        if currency == Currency.COUPON:
            return self.coupon
        return self.usd if currency == Currency.USD else self.eaml


class Move(NamedTuple):
    """An amount that goes from `debit` to `credit`, which have the same currency."""

    debit: AccountName
    credit: AccountName
    amount: Decimal


# A batch names the accounts of its people over and over, and an id is a hash.
@lru_cache(maxsize=1 << 14)
def accounts_of_person(owner: UUID) -> PersonsAccounts:
    """Her accounts by what they are for."""
    usd, eaml = Currency.USD, Currency.EAML
    return PersonsAccounts(
        usd=AccountName(owner, Purpose.WALLET, usd),
        eaml=AccountName(owner, Purpose.WALLET, eaml),
        coupon=AccountName(owner, Purpose.COUPON, Currency.COUPON),
        receivable=AccountName(owner, Purpose.RECEIVABLE, usd),
        seller_payable=AccountName(owner, Purpose.SELLER_PAYABLE, usd),
        payout_in_transit=AccountName(owner, Purpose.PAYOUT_IN_TRANSIT, usd),
        escrow=AccountName(owner, Purpose.ESCROW, usd),
    )


def wallet(owner: UUID, currency: Currency) -> AccountName:
    """A person's own money, in US dollars or tokens."""
    accounts = accounts_of_person(owner)
    return accounts.usd if currency == Currency.USD else accounts.eaml


def coupon_account(owner: UUID) -> AccountName:
    """A person's coupon credit."""
    return accounts_of_person(owner).coupon


def receivable(owner: UUID) -> AccountName:
    """What a person owes for usage that her funds did not cover; below zero while she owes."""
    return accounts_of_person(owner).receivable


def seller_payable(owner: UUID) -> AccountName:
    """What a person earned on the market and has neither kept in her wallet nor been paid out."""
    return accounts_of_person(owner).seller_payable


def payout_in_transit(owner: UUID) -> AccountName:
    """What is on its way to a person's bank; it comes back to nothing when the payment provider has answered."""
    return accounts_of_person(owner).payout_in_transit


def escrow(owner: UUID) -> AccountName:
    """What a person's signed contracts have set aside for the consultants."""
    return accounts_of_person(owner).escrow


@cache
def of_platform(purpose: Purpose, currency: Currency) -> AccountName:
    """One of the platform's accounts."""
    return AccountName(PLATFORM, purpose, currency)


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
    return accounts_of_person(owner).spent_from(currency)
