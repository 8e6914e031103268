"""The bus of each service: what waits to be sent and who should send it, and what could not be handled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zlib import crc32

import psycopg

from titan.doctor.database import one
from titan.doctor.finding import Finding, judged

OLD_SECONDS = 60.0
WAITING = "SELECT count(*), coalesce(extract(epoch FROM now() - min(occurred_at)), 0)::float FROM outbox"
LEADER = (
    "SELECT pg_locks.pid, coalesce(state, ''), coalesce(extract(epoch FROM now() - state_change), 0)::float"
    " FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND objsubid = 2"
    " AND classid = %s::bigint::oid"
    " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1"
)
PARKED = "SELECT count(*), count(DISTINCT key), min(type), min(error) FROM parked_event"


def examine(url: str, service: str) -> Iterator[Finding]:
    """What the service's own tables say. Raises what connecting does."""
    with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
        try:
            waiting, oldest = one(connection, WAITING)
            parked = one(connection, PARKED)
        except psycopg.errors.UndefinedTable:
            yield Finding(
                f"{service} tables", False, "are not there yet", "`titan up` makes them; see whether it does."
            )
            return
        yield _outbox(service, waiting, oldest, _leader(connection, service))
        yield _parked(service, *parked)


def _outbox(service: str, waiting: int, oldest: float, leader: tuple[Any, ...] | None) -> Finding:
    if oldest <= OLD_SECONDS:
        return Finding(f"{service} outbox", True, f"{waiting} events wait to be sent")
    detail = f"{waiting} events wait to be sent, the oldest for {oldest:.0f} s"
    if leader is None:
        return Finding(
            f"{service} outbox",
            False,
            f"{detail}, and no relay leads",
            f"Its worker is down or cannot take the lock: `titan status`, `titan logs {service}-worker`.",
        )
    pid, state, seconds = leader
    return Finding(
        f"{service} outbox",
        False,
        f"{detail}; the relay that leads is session {pid}, {state} for {seconds:.0f} s",
        f"If the broker is well, that relay is stuck: SELECT pg_terminate_backend({pid}) lets another lead.",
    )


def _leader(connection: psycopg.Connection[Any], service: str) -> tuple[Any, ...] | None:
    """The session that holds the lock of event_bus.leadership, and what it is doing."""
    lock_class = (crc32(f"titan.relay.{service}".encode()) - 2**31) % 2**32
    return connection.execute(LEADER, [lock_class]).fetchone()


def _parked(service: str, events: int, keys: int, type_: str | None, error: str | None) -> Finding:
    said = (error or "").strip().partition("\n")[0][:120]
    return judged(
        f"{service} parked events",
        events == 0,
        f"{events} of {keys} keys, for example {type_}: {said}" if events else "none",
        f"Read them on {service}'s operations page, mend the cause, then `titan replay {service}`.",
    )
