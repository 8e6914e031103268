"""Identity's HTTP API."""

from ninja import Router

from identity.api import auth, keys, people, teams
from service_base.operations import map_pages

router = Router()
router.add_router("", auth.router)
router.add_router("", people.router)
router.add_router("", teams.router)
router.add_router("", keys.router)
router.add_router("", map_pages.router)
