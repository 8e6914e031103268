"""Closing the books up to a moment, sealing what was posted, and the months that postings lie in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from billing.models import PeriodClose
from billing.rules.errors import PeriodUnfit
from shared_models.clock import rfc3339, utc_now

SEAL_AT_ONCE = 2000


@transaction.atomic
def close_period(*, until: datetime, by: UUID | None = None) -> None:
    """Let no journal take effect before `until` any more; what comes late is posted into the open period.

    Waits for postings in hand. Raises PeriodUnfit for a moment that has not come or lies before an earlier closing.
    """
    newest = PeriodClose.objects.order_by("until").last()
    if until > utc_now():
        raise PeriodUnfit("Only a period that has ended can be closed.", field="until")
    if newest is not None and until <= newest.until:
        raise PeriodUnfit(f"The books are closed until {rfc3339(newest.until)} already.", field="until")
    _call("ledger_close_period", until, by)


@transaction.atomic
def close_books(*, until: datetime, by: UUID | None = None) -> None:
    """See that nothing takes effect before `until` any more, as `close_period`; nothing where that is so already."""
    lock_books()
    newest = PeriodClose.objects.order_by("until").last()
    if newest is None or newest.until < until:
        close_period(until=until, by=by)


def lock_books() -> None:
    """Of two who would close the books the second sees what the first did; waits for all who keep them open.

    The books come before people: whoever locks somebody keeps them open by then, and would wait for each other else.
    """
    _lock("pg_advisory_xact_lock")


def keep_books_open() -> None:
    """Nobody closes them until this transaction ends, so that what it reads of them holds; waits for a closing."""
    _lock("pg_advisory_xact_lock_shared")


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(7003, 3)")


def seal_journals() -> int:
    """Carry the chain of seals on to every journal whose transaction has ended; how many were sealed."""
    sealed = 0
    while made := _in_a_transaction("ledger_seal", SEAL_AT_ONCE):
        sealed += made
    return sealed


def keep_partitions() -> int:
    """See that postings of this month and the next two have their partitions; how many were made."""
    return _in_a_transaction("ledger_keep_partitions", utc_now())


@transaction.atomic
def _in_a_transaction(function: str, *arguments: datetime | int) -> int:
    return _call(function, *arguments)


def _call(function: str, *arguments: datetime | int | UUID | None) -> int:
    with connection.cursor() as cursor:
        marks = ", ".join(["%s"] * len(arguments))
        cursor.execute(f"SELECT {function}({marks})", arguments)
        return int(cursor.fetchone()[0] or 0)
