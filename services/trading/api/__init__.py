"""Trading's HTTP API."""

from ninja import Router

from trading.api import bots, keys, market, prices, runs

router = Router()
router.add_router("", market.router)
router.add_router("", prices.router)
router.add_router("", keys.router)
router.add_router("", bots.router)
router.add_router("", runs.router)
