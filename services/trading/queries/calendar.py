"""The pause windows of a run, from scheduler's events."""

from __future__ import annotations

from django.db.models import Max, Min

from trading.models import CalendarEvent
from trading.rules.pauses import NO_PAUSES, Event, Importance, PausePolicy, Pauses, pauses


def pauses_for(policy: PausePolicy) -> Pauses:
    """When a bot with `policy` stays out.

    The calendar covers from the first event known up to the end of the last; outside of that it is silent, which
    is not the same as calm.
    """
    if not policy.is_on:
        return NO_PAUSES
    span = CalendarEvent.objects.aggregate(first=Min("starts_at"), last=Max("ends_at"))
    if span["first"] is None:
        return pauses([], policy, known_from=None, known_until=None)
    rows = CalendarEvent.objects.filter(importance__in=[importance.value for importance in policy.around])
    events = [_event(row) for row in rows.order_by("starts_at")]
    first, last = int(span["first"].timestamp()), int(span["last"].timestamp())
    return pauses(events, policy, known_from=first, known_until=last + 1)


def _event(row: CalendarEvent) -> Event:
    return Event(
        name=row.event_name,
        currency=row.currency,
        importance=Importance(row.importance),
        start=int(row.starts_at.timestamp()),
        end=int(row.ends_at.timestamp()),
    )
