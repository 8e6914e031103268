"""PostgreSQL: its version and clock, sessions that hold others up, and each service's own database and role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from service_base.sessions import SharedSession, prove_direct
from titan.doctor.finding import Finding, judged
from titan.doctor.machine import clock
from titan.migrate import stamp_of

OLDEST = 150_000
"""The oldest PostgreSQL that the suite has ever passed on, as `server_version_num`."""
IDLE_SECONDS = 60.0
SNAPSHOT_SECONDS = 300.0
LOAD = (
    "SELECT extract(epoch FROM clock_timestamp())::float, count(*), current_setting('max_connections')::int,"
    " current_setting('server_version_num')::int, current_setting('server_version') FROM pg_stat_activity"
)
IDLE = (
    "SELECT pid, coalesce(datname, ''), extract(epoch FROM now() - state_change)::float FROM pg_stat_activity"
    " WHERE state LIKE 'idle in transaction%%' AND now() - state_change > make_interval(secs => %s)"
    " ORDER BY state_change LIMIT 1"
)
OLD_SNAPSHOT = (
    "SELECT holder, extract(epoch FROM now() - since)::float FROM ("
    "SELECT 'session ' || pid AS holder, xact_start AS since FROM pg_stat_activity"
    " WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    " UNION ALL SELECT 'prepared transaction ' || gid, prepared FROM pg_prepared_xacts) AS holders"
    " WHERE now() - since > make_interval(secs => %s) ORDER BY since LIMIT 1"
)
OWN = (
    "SELECT current_user, rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls,"
    " (SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database())"
    " FROM pg_roles WHERE rolname = current_user"
)


def examine_server(url: str) -> Iterator[Finding]:
    """What the server's administrator can see. Raises what connecting does."""
    with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
        now, used, most, number, version = one(connection, LOAD)
        idle = connection.execute(IDLE, [IDLE_SECONDS]).fetchone()
        old = connection.execute(OLD_SNAPSHOT, [SNAPSHOT_SECONDS]).fetchone()
    yield clock("clock of PostgreSQL", now)
    yield judged("PostgreSQL's version", number >= OLDEST, version, f"Use PostgreSQL {OLDEST // 10_000} or newer.")
    yield judged(
        "connections",
        used <= 0.8 * most,
        f"{used} of {most} in use",
        "Raise max_connections, or run fewer processes: new ones will soon be refused.",
    )
    yield _idle(idle)
    yield _snapshot(old)


def _idle(found: tuple[Any, ...] | None) -> Finding:
    if found is None:
        return Finding("idle transactions", True, f"none for more than {IDLE_SECONDS:.0f} s")
    pid, database, seconds = found
    return Finding(
        "idle transactions",
        False,
        f"session {pid} on {database} has done nothing in its transaction for {seconds:.0f} s, and keeps its locks",
        f"Look who it is in pg_stat_activity; SELECT pg_terminate_backend({pid}) ends it.",
    )


def _snapshot(found: tuple[Any, ...] | None) -> Finding:
    if found is None:
        return Finding("oldest snapshot", True, f"none older than {SNAPSHOT_SECONDS:.0f} s")
    holder, seconds = found
    return Finding(
        "oldest snapshot",
        False,
        f"{holder} has held its snapshot for {seconds:.0f} s, so deleted outbox rows pile up and the relay slows down",
        "End it, and let dumps and reports read from a replica.",
    )


def examine_own(url: str, service: str) -> Iterator[Finding]:
    """What a service's own role can see on its own database. Raises what connecting does."""
    with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
        role, is_mighty, stamp = one(connection, OWN)
    yield judged(
        f"{service} role",
        not is_mighty,
        f"{role} has {'more rights than a service needs' if is_mighty else 'no rights but its own'}",
        f"ALTER ROLE {role} NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS: a break-in would reach every service.",
    )
    wanted = stamp_of(service)
    yield judged(
        f"{service} schema",
        stamp == wanted,
        "as the code wants it" if stamp == wanted else "made by other code than this",
        "`titan down`, then `titan up`, which migrates; if the database is newer, use the newer code.",
    )
    yield _session(url, service)


def _session(url: str, service: str) -> Finding:
    try:
        prove_direct(lambda: psycopg.connect(url, connect_timeout=5, autocommit=True))
    except SharedSession as refused:
        return Finding(f"{service} session locks", False, str(refused), "Set TITAN_DATABASE_URL of its worker.")
    return Finding(f"{service} session locks", True, "hold beyond their transaction")


def one(connection: psycopg.Connection[Any], query: str) -> tuple[Any, ...]:
    """The row of a query that always has one."""
    row = connection.execute(query).fetchone()
    if row is None:
        raise LookupError(f"no row: {query}")
    return tuple(row)
