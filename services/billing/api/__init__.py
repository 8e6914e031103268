"""Billing's HTTP API."""

from ninja import Router

from billing.api import bills, consulting, contracts, ledger, money, payouts, prices, seeds, statements, truth, webhooks

router = Router()
router.add_router("", ledger.router)
router.add_router("", statements.router)
router.add_router("", seeds.router)
router.add_router("", truth.router)
router.add_router("", money.router)
router.add_router("", prices.router)
router.add_router("", bills.router)
router.add_router("", payouts.router)
router.add_router("", consulting.router)
router.add_router("", contracts.router)
router.add_router("", webhooks.router)
