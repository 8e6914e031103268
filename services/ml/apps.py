"""Django's description of ml."""

from django.apps import AppConfig


class MlConfig(AppConfig):
    """Tables, machines, work, solving."""

    name = "ml"
