"""The bench's service has nothing but what every service has."""

from service_base.settings import for_service

globals().update(for_service("request_app"))
INSTALLED_APPS = [name for name in INSTALLED_APPS if name != "request_app"]  # noqa: F821
