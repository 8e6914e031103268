"""Django's description of the probe."""

from django.apps import AppConfig


class ProbeConfig(AppConfig):
    """One table of effects."""

    name = "event_bus.tests.probe"
    label = "probe"
