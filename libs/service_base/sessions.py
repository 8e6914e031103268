"""Database sessions of long-lived processes: ended by the server when they stall, and proven to be their own."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg

# A stopped process (SIGSTOP, a paused machine) must not hold back its successor with an open transaction, and one
# whose machine is gone must not keep the relay's lock: the server ends both sessions after about half a minute.
_SERVER_SIDE = {
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
# The same the other way round: a server whose machine is gone is noticed, instead of waited for.
_CLIENT_SIDE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
_HOLDS = (
    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    " AND classid = 0 AND objid = %s::bigint::oid)"
)
_WAY_OUT = "give the worker a TITAN_DATABASE_URL that leads to PostgreSQL itself"


class SharedSession(RuntimeError):
    """The database URL leads through something that lends one server session to several clients."""


def bind(databases: dict[str, dict[str, Any]]) -> None:
    """Add the bounds above to Django's descriptions of databases; connections made from now on have them."""
    server_side = " ".join(f"-c {name}={value}" for name, value in _SERVER_SIDE.items())
    for database in databases.values():
        options = database.setdefault("OPTIONS", {})
        if server_side not in options.get("options", ""):
            options["options"] = f"{options.get('options', '')} {server_side}".strip()
        options.update(_CLIENT_SIDE)


def connect(alias: str = "default") -> psycopg.Connection[Any]:
    """A new connection as Django would make it, each statement its own transaction unless one is begun."""
    from django.db import connections

    wrapper = connections[alias]
    connection: psycopg.Connection[Any] = wrapper.get_new_connection(wrapper.get_connection_params())
    connection.autocommit = True
    return connection


def prove_direct(connect: Callable[[], Any] = connect) -> None:
    """Return when a session lock outlives the transaction that took it. Raises SharedSession, and what connecting does.

    Take it, commit, let a second client begin a transaction: a pooler gives that one the session the first let go of,
    and the first one another, where the lock is not.
    """
    key = secrets.randbelow(2**31)
    try:
        with closing(connect()) as first, closing(connect()) as second:
            with first.transaction():
                first.execute("SELECT pg_advisory_lock(%s)", [key])
                holder = _backend(first)
            with second.transaction():
                is_ours = _backend(second) != holder == _backend(first) and _one(first, _HOLDS, [key])
            first.execute("SELECT pg_advisory_unlock(%s)", [key])
    except psycopg.OperationalError as error:
        if "startup parameter" in str(error):  # only poolers refuse those
            raise SharedSession(f"A pooler that refuses session settings is in front: {_WAY_OUT}.") from error
        raise
    if not is_ours:
        raise SharedSession(
            "A session lock does not outlive its transaction here (a pooler in transaction mode?), so two relays could "
            f"send at once: {_WAY_OUT} or to a pooler in session mode."
        )


def _backend(session: Any) -> int:
    return int(_one(session, "SELECT pg_backend_pid()"))


def _one(session: Any, query: str, parameters: list[Any] | None = None) -> Any:
    return session.execute(query, parameters).fetchone()[0]
