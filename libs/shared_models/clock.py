"""Time as TITAN means it: timezone-aware UTC, printed as RFC 3339 with a Z."""

from datetime import UTC, datetime, timedelta

_NOTHING = timedelta(0)


def utc_now() -> datetime:
    """The current instant, timezone-aware, in UTC."""
    return datetime.now(UTC)


def in_utc(moment: datetime) -> datetime:
    """The same instant in UTC; refuses naive times, which mean nothing outside one machine."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no timezone")
    return moment if moment.utcoffset() == _NOTHING else moment.astimezone(UTC)


def rfc3339(moment: datetime) -> str:
    """`moment` as `2026-01-31T23:00:00.123456Z`; refuses naive times."""
    return in_utc(moment).isoformat().replace("+00:00", "Z")
