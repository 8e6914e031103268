"""Django's description of the idempotency app."""

from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    """Stored answers."""

    name = "service_base.idempotency"
    label = "idempotency"
