"""Large uploads while they are read, for whoever sent them."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from ml.models import TableReading
from ml.rules.readings import OPEN
from service_base.callers import Caller
from service_base.errors import NotFound

NO_READING = "There is no such reading, or it is not yours."


def readings_of(caller: Caller, *, is_open: bool = False) -> QuerySet[TableReading]:
    """What the caller sent to be read; with `is_open` only what is not read yet."""
    mine = TableReading.objects.filter(requested_by=caller.user).select_related("machine")
    return mine.filter(state__in=sorted(OPEN)) if is_open else mine


def reading_for(caller: Caller, reading_id: UUID) -> TableReading:
    """A reading of the caller's. Raises NotFound for any other."""
    found = readings_of(caller).filter(pk=reading_id).first()
    if found is None:
        raise NotFound(NO_READING)
    return found
