"""Projections of scheduler's calendar and of ml's machines, written by their events alone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from django.db import transaction

from shared_models.events import ml, scheduler
from trading.models import CalendarEvent, KnownMachine


@transaction.atomic
def remember_economic_event(event: scheduler.EconomicEventChanged) -> None:
    """Make the projection equal the event, unless it already knows something newer.

    Where the source gives no time of day the event takes its whole day, by UTC: a pause must not be shorter.
    """
    midnight = datetime.combine(event.date, time(), UTC)
    starts_at = event.starts_at or midnight
    state = {
        "version": event.version,
        "starts_at": starts_at,
        "ends_at": starts_at if event.starts_at else midnight + timedelta(days=1),
        "is_all_day": event.starts_at is None,
        "event_name": event.event_name[:200],
        "country": event.country[:100],
        "currency": event.currency[:10],
        "importance": event.importance,
    }
    row, new = CalendarEvent.objects.select_for_update().get_or_create(id=event.economic_event_id, defaults=state)
    if not new and row.version < event.version:
        for name, value in state.items():
            setattr(row, name, value)
        row.save()


@transaction.atomic
def remember_training(event: ml.TrainingCompleted) -> None:
    """Know the machine as its newest training left it."""
    state = {
        "name": event.machine_name[:500],
        "owner_id": event.machine_owner_id,
        "input_columns": event.input_columns,
        "output_columns": event.output_columns,
        "scores": event.scores,
        "level": event.level,
        "trained_at": event.completed_at,
    }
    row, new = KnownMachine.objects.select_for_update().get_or_create(id=event.machine_id, defaults=state)
    if not new and row.trained_at < event.completed_at:
        KnownMachine.objects.filter(pk=row.pk).update(**state)


@transaction.atomic
def rename_machine(*, machine_id: UUID, name: str, owner_id: UUID) -> None:
    """Follow a machine's name and owner."""
    KnownMachine.objects.filter(pk=machine_id).update(name=name[:500], owner_id=owner_id)


@transaction.atomic
def forget_machine(*, machine_id: UUID) -> None:
    """Offer a deleted machine no longer; runs that used it keep their history."""
    KnownMachine.objects.filter(pk=machine_id).update(is_deleted=True)
