"""Django's description of trading."""

from django.apps import AppConfig


class TradingConfig(AppConfig):
    """Markets, keys, bots, runs."""

    name = "trading"
