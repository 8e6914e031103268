"""Billing's pages: the wallet, the statement, a charge and its causes, operations, and the operator's view."""

from django.urls import path

from billing.pages import moments, operators, payments, payouts, statement, verify, wallet

urlpatterns = [
    path("", wallet.wallet, name="wallet"),
    path("live", wallet.live, name="live"),
    path("top-ups", wallet.start_top_up, name="start-top-up"),
    path("top-ups/<uuid:payment_id>", wallet.top_up, name="top-up"),
    path("coupons/activate", wallet.activate_coupon, name="activate-coupon"),
    path("bills/pay", wallet.pay_bill, name="pay-bill"),
    path("exchange", wallet.buy_tokens, name="buy-tokens"),
    path("balances", moments.balances, name="balances"),
    path("statement", statement.statement, name="statement"),
    path("statement.csv", statement.statement_csv, name="statement-csv"),
    path("journals/<uuid:journal_id>", statement.journal, name="journal"),
    path("operations", statement.operations, name="operations"),
    path("prices", operators.prices, name="prices"),
    path("verify", verify.verify, name="verify"),
    path("coupons", operators.coupons, name="coupons"),
    path("payouts", payouts.payouts, name="payouts"),
    path("payouts/request", payouts.request_payout, name="request-payout"),
    path("income/keep", payouts.keep_income, name="keep-income"),
    path("payments", payments.payments, name="payments"),
    path("payments/<uuid:payment_id>/refund", payments.refund, name="refund-payment"),
    path("payments/payouts/<uuid:payout_id>", payments.settle, name="settle-payout"),
    path("payments/suspense/<uuid:unmatched_id>", payments.assign, name="assign-payment"),
    path("payments/reverse", payments.reverse_journal, name="reverse-journal"),
]
