"""Everything that moves or reserves money: one keyword-only function is one transaction."""

from billing.commands.bills import ask_for_bills, issue_bill, issue_due_bills
from billing.commands.consulting import (
    choose_offer,
    make_offer,
    open_request,
    reopen_request,
    withdraw_offer,
)
from billing.commands.consulting_files import add_file
from billing.commands.contracts import (
    cancel_request,
    deliver_work,
    dispute_contract,
    fail_contract,
    finish_contract,
    settle_dispute,
    sign_contract,
)
from billing.commands.counts import forget_arrived, keep_count
from billing.commands.coupons import activate_coupon, create_coupon, expire_coupons
from billing.commands.debts import pay_bill
from billing.commands.exchange import buy_tokens
from billing.commands.holds import Ended, Wish, expire_holds, quote_and_hold, release_holds
from billing.commands.machines import remember_machines
from billing.commands.parties import open_accounts
from billing.commands.payouts import keep_income, request_payout, send_payouts, settle_payout, settle_test_payout
from billing.commands.periods import close_books, close_period, keep_partitions, seal_journals
from billing.commands.prices import publish_first_prices, publish_prices
from billing.commands.refunds import refund_top_up, take_refund
from billing.commands.reports import take_report
from billing.commands.reversals import reverse_journal
from billing.commands.statements import sum_up_statements
from billing.commands.suspense import assign_payment, set_aside
from billing.commands.terms import set_credit_limit, set_tax_rate
from billing.commands.topups import confirm_test_payment, fail_top_up, settle_top_up, start_top_up, top_up
from billing.commands.usage import Happened, charge, happened
from billing.commands.verifications import verify_daily, verify_ledger

__all__ = [
    "Ended",
    "Happened",
    "Wish",
    "activate_coupon",
    "add_file",
    "ask_for_bills",
    "assign_payment",
    "buy_tokens",
    "cancel_request",
    "charge",
    "choose_offer",
    "close_books",
    "close_period",
    "confirm_test_payment",
    "create_coupon",
    "deliver_work",
    "dispute_contract",
    "expire_coupons",
    "expire_holds",
    "fail_contract",
    "fail_top_up",
    "finish_contract",
    "forget_arrived",
    "happened",
    "issue_bill",
    "issue_due_bills",
    "keep_count",
    "keep_income",
    "keep_partitions",
    "make_offer",
    "open_accounts",
    "open_request",
    "pay_bill",
    "publish_first_prices",
    "publish_prices",
    "quote_and_hold",
    "refund_top_up",
    "release_holds",
    "remember_machines",
    "reopen_request",
    "request_payout",
    "reverse_journal",
    "seal_journals",
    "send_payouts",
    "set_aside",
    "set_credit_limit",
    "set_tax_rate",
    "settle_dispute",
    "settle_payout",
    "settle_test_payout",
    "settle_top_up",
    "sign_contract",
    "start_top_up",
    "sum_up_statements",
    "take_refund",
    "take_report",
    "top_up",
    "verify_daily",
    "verify_ledger",
    "withdraw_offer",
]
