"""Django's description of the principals app."""

from django.apps import AppConfig


class PrincipalsConfig(AppConfig):
    """Projections of identity's people, teams and keys."""

    name = "service_base.principals"
    label = "principals"
