"""Django's description of billing."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BillingConfig(AppConfig):
    """Ledger, prices, holds, coupons, operations."""

    name = "billing"

    def ready(self) -> None:
        """After every migration, whoever's it was, the application's role gets exactly the rights it should have."""
        post_migrate.connect(_grant, sender=self)


def _grant(using: str, **_: Any) -> None:
    from django.db import connections

    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regproc('ledger_grant') IS NOT NULL")
        if cursor.fetchone()[0]:
            cursor.execute("SELECT ledger_grant()")
