"""Billing's HTTP API."""

from ninja import Router

router = Router()
