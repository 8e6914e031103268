"""Scheduler's HTTP API."""

from ninja import Router

from scheduler.api import events, jobs, logs, sources

router = Router()
router.add_router("", events.router)
router.add_router("", sources.router)
router.add_router("", jobs.router)
router.add_router("", logs.router)
