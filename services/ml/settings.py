"""Settings of ml: the shared ones."""

from service_base.settings import for_service

globals().update(for_service("ml"))
