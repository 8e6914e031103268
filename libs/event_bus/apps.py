"""Django's description of the event bus app."""

from django.apps import AppConfig


class EventBusConfig(AppConfig):
    """Outbox, inbox and parked events: three tables in every service's own database."""

    name = "event_bus"
    label = "event_bus"
    verbose_name = "Event bus"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let publishes.py and handlers.py register themselves, in whichever process this is."""
        from event_bus import registry

        registry.load()
