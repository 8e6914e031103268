"""The bench's service has nothing but what every service has: the bus, and the projections of identity."""

from service_base.settings import for_service

globals().update(for_service("bus_app"))
INSTALLED_APPS = [name for name in INSTALLED_APPS if name != "bus_app"]  # noqa: F821
