"""Payment providers behind one protocol: the one that the setting names, or the one that something began with."""

from __future__ import annotations

from django.conf import settings

from billing.providers.local import TEST, TestProvider
from billing.providers.protocol import (
    Provider,
    ProviderAway,
    ProviderRefused,
    Report,
    ReportKind,
    ReportUnproven,
    Started,
)
from billing.rules.errors import ProviderUnknown

__all__ = [
    "TEST",
    "Provider",
    "ProviderAway",
    "ProviderRefused",
    "Report",
    "ReportKind",
    "ReportUnproven",
    "Started",
    "chosen",
    "named",
]


def chosen() -> Provider:
    """The provider that new payments and payouts go through."""
    return named(settings.PAYMENT_PROVIDER)


def named(name: str) -> Provider:
    """The provider of that name, also when it is no longer chosen. Raises ProviderUnknown."""
    if name == TEST:
        return TestProvider()
    if name == "stripe" and settings.STRIPE_SECRET_KEY:
        # Loaded where it is used: nobody else pays for it.
        from billing.providers.stripe import StripeProvider

        return StripeProvider(
            settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET, api_base=settings.STRIPE_API_BASE
        )
    raise ProviderUnknown(f"This installation has no payment provider called {name}; its settings name them.")
