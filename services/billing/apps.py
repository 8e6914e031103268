"""Django's description of billing."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Ledger, prices, holds, coupons, operations."""

    name = "billing"
