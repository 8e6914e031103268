"""Billing's HTTP shapes."""

from billing.schemas.fields import AMOUNT
from billing.schemas.ledger import show_entry, show_journal_id, show_operation, show_story
from billing.schemas.money import (
    CouponCodeIn,
    CouponIn,
    CreditLimitIn,
    ExchangeIn,
    PayIn,
    TopUpIn,
    show_lot,
    show_payment,
    show_wallet,
)
from billing.schemas.prices import PricesIn, QuoteIn, show_estimate, show_hold, show_prices, show_quote

__all__ = [
    "AMOUNT",
    "CouponCodeIn",
    "CouponIn",
    "CreditLimitIn",
    "ExchangeIn",
    "PayIn",
    "PricesIn",
    "QuoteIn",
    "TopUpIn",
    "show_entry",
    "show_estimate",
    "show_hold",
    "show_journal_id",
    "show_lot",
    "show_operation",
    "show_payment",
    "show_prices",
    "show_quote",
    "show_story",
    "show_wallet",
]
