"""A service with nothing in it but what the base gives."""

from service_base.settings import for_service

globals().update(for_service("service_base.tests.probe"))
INSTALLED_APPS = [name for name in INSTALLED_APPS if name != "service_base.tests.probe"]  # noqa: F821
