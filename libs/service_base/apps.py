"""Django's description of the service base."""

from django.apps import AppConfig


class ServiceBaseConfig(AppConfig):
    """Templates, template tags and static files that all pages share."""

    name = "service_base"
    label = "service_base"
