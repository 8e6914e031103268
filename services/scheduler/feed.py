"""The calendar as an iCalendar feed, and the addresses by which calendar apps may read it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core import signing
from django.http import HttpRequest
from icalendar import Calendar, Event
from ninja.security import APIKeyQuery

from scheduler.models import EconomicEvent
from scheduler.rules.calendar_rows import FIGURES
from service_base.callers import Caller
from service_base.principals.models import Principal

MOST_EVENTS = 5000
_SALT = "scheduler.feed"
_PRIORITIES = {"high": 1, "medium": 5, "low": 9}


class FeedKey(APIKeyQuery):
    """`?feed=…`: calendar apps cannot send a header, so the address itself opens the feed, and only the feed."""

    param_name = "feed"

    async def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        """The person the address was made for, as long as she is active."""
        person = await sync_to_async(_person_of)(key) if key else None
        return Caller(person, scopes=frozenset()) if person is not None else None


def key_for(user_id: UUID) -> str:
    """The key in the feed address of a person."""
    return signing.Signer(salt=_SALT).sign(str(user_id))


def as_ical(events: Iterable[EconomicEvent]) -> bytes:
    """The events as an iCalendar file that any calendar app can read."""
    calendar = Calendar()
    calendar.add("PRODID", "-//TITAN//Economic calendar//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("X-WR-CALNAME", "TITAN economic calendar")
    for event in events:
        calendar.add_component(_component(event))
    return bytes(calendar.to_ical())


def _person_of(key: str) -> Principal | None:
    try:
        user_id = signing.Signer(salt=_SALT).unsign(key)
    except signing.BadSignature:
        return None
    return Principal.objects.filter(pk=user_id, is_active=True).first()


def _component(event: EconomicEvent) -> Event:
    shown = Event()
    shown.add("UID", f"{event.pk}@titan")
    shown.add("DTSTAMP", event.updated_at.astimezone(UTC))
    # The version of RFC 5545: apps replace an entry when it grows.
    shown.add("SEQUENCE", event.version - 1)
    shown.add("SUMMARY", f"{event.country} {event.event_name}")
    begins: Any = event.starts_at.astimezone(UTC) if event.starts_at else event.date
    shown.add("DTSTART", begins)
    shown.add("DTEND", begins + (timedelta(minutes=15) if isinstance(begins, datetime) else timedelta(days=1)))
    shown.add("PRIORITY", _PRIORITIES[event.importance])
    shown.add("CATEGORIES", [event.importance, event.country])
    figures = [f"{name}: {getattr(event, name)}" for name in FIGURES if getattr(event, name)]
    shown.add("DESCRIPTION", "\n".join([*figures, f"source: {event.source.name}"]))
    return shown
