"""Billing's HTTP shapes."""

from billing.schemas.bills import BillsIn, TaxRateIn, show_bill, show_bill_run, show_next_bill, show_seen_bill
from billing.schemas.consulting import (
    ConsultingIn,
    DisputeIn,
    NoteIn,
    OfferIn,
    SettlementIn,
    show_file,
    show_offer,
    show_request,
    show_step,
)
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
from billing.schemas.truth import show_balance, show_balances, show_verification

__all__ = [
    "AMOUNT",
    "BillsIn",
    "ConsultingIn",
    "CouponCodeIn",
    "CouponIn",
    "CreditLimitIn",
    "DisputeIn",
    "ExchangeIn",
    "NoteIn",
    "OfferIn",
    "PayIn",
    "PricesIn",
    "QuoteIn",
    "SettlementIn",
    "TaxRateIn",
    "TopUpIn",
    "show_balance",
    "show_balances",
    "show_bill",
    "show_bill_run",
    "show_entry",
    "show_estimate",
    "show_file",
    "show_hold",
    "show_journal_id",
    "show_lot",
    "show_next_bill",
    "show_offer",
    "show_operation",
    "show_payment",
    "show_prices",
    "show_quote",
    "show_request",
    "show_seen_bill",
    "show_step",
    "show_story",
    "show_verification",
    "show_wallet",
]
