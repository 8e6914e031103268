"""Django's description of the service under test."""

from django.apps import AppConfig


class ProbeConfig(AppConfig):
    """Counters on the writing side, effects on the hearing side."""

    name = "harness.probe"
    label = "chaos"
