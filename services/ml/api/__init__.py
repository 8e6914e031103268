"""ml's HTTP API."""

from ninja import Router

from ml.api import graphs, lines, machines, market, originals, purchases, readings, solving, works

router = Router()
router.add_router("", machines.router)
router.add_router("", lines.router)
router.add_router("", readings.router)
router.add_router("", graphs.router)
router.add_router("", works.router)
router.add_router("", solving.router)
router.add_router("", market.router)
router.add_router("", purchases.router)
router.add_router("", originals.router)
