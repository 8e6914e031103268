"""Admin pages for operators: parked events can be read and replayed, never edited."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from event_bus.models import OutboxEvent, ParkedEvent
from event_bus.replay import replay


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that only the code may write."""

    # One count of a long table a page is enough; without a search there is nothing to compare it with.
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False


@admin.register(ParkedEvent)
class ParkedEventAdmin(ReadOnlyAdmin):
    """Parked events with their reason."""

    list_display = ("type", "key", "error", "attempts", "parked_at")
    list_filter = ("type", "consumer")
    actions = ("replay_chosen",)

    @admin.action(description="Handle again, with everything that waits behind")
    def replay_chosen(self, request: HttpRequest, chosen: QuerySet[ParkedEvent]) -> None:
        """Replay the chosen events and say what became of them."""
        handled = 0
        for row in chosen:
            handled += replay(settings.TITAN_CONSUMER_GROUP, event_id=str(row.event_id))[0]
        messages.info(request, f"{handled} handled, {ParkedEvent.objects.count()} still parked")


@admin.register(OutboxEvent)
class OutboxAdmin(ReadOnlyAdmin):
    """Events that wait for the broker."""

    list_display = ("seq", "type", "key", "occurred_at")
