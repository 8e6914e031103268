"""Everything that moves or reserves money: one keyword-only function is one transaction."""

from billing.commands.bills import buy_tokens, pay_bill, set_credit_limit
from billing.commands.coupons import activate_coupon, create_coupon, expire_coupons
from billing.commands.holds import Ended, Wish, expire_holds, quote_and_hold, release_holds
from billing.commands.parties import open_accounts
from billing.commands.periods import close_period, keep_partitions, seal_journals
from billing.commands.prices import publish_first_prices, publish_prices
from billing.commands.topups import confirm_test_payment, start_top_up, top_up
from billing.commands.usage import Happened, charge

__all__ = [
    "Ended",
    "Happened",
    "Wish",
    "activate_coupon",
    "buy_tokens",
    "charge",
    "close_period",
    "confirm_test_payment",
    "create_coupon",
    "expire_coupons",
    "expire_holds",
    "keep_partitions",
    "open_accounts",
    "pay_bill",
    "publish_first_prices",
    "publish_prices",
    "quote_and_hold",
    "release_holds",
    "seal_journals",
    "set_credit_limit",
    "start_top_up",
    "top_up",
]
