"""Django's description of identity."""

from django.apps import AppConfig


class IdentityConfig(AppConfig):
    """People, teams, keys, audit."""

    name = "identity"
