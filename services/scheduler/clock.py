"""The database's clock, the one on which all replicas agree."""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """The time as the database sees it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def seconds_until_due() -> float | None:
    """How long until the next job is due; None when none ever is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM min(due_at) - clock_timestamp()) FROM scheduled_job")
        row = cursor.fetchone()
    return None if row is None or row[0] is None else float(row[0])
