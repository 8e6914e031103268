"""Statements without a thread: plain SQL over a few asynchronous connections that a web process keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import connections
from django.db.models import Model
from psycopg import OperationalError

from service_base.env import env
from service_base.links import Links, row_of

M = TypeVar("M", bound=Model)
R = TypeVar("R")

MOST_CONNECTIONS = 4
# Writes wait for the disk, and reads must not wait behind them.
MOST_WRITING = 4
# What Django's connection and ours have in common; the rest of its parameters concern cursors.
CONNECTION_FACTS = ("host", "port", "dbname", "user", "password", "client_encoding", "context")

# A connection on an event loop belongs to that loop.
_opened: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], Links]] = WeakKeyDictionary()


async def rows(sql: str, params: Sequence[Any] = (), *, using: str = "default") -> list[Any]:
    """The rows that a SELECT finds, as named tuples; JSON comes as text, as from Django's cursors.

    It sees what is committed. Only a web process has the connections for it; elsewhere, tests among it, the same SQL
    runs on Django's connection.
    """
    return await _ask(sql, params, using, most=MOST_CONNECTIONS)


async def write(sql: str, params: Sequence[Any] = (), *, using: str = "default") -> list[Any]:
    """The rows of one statement that writes, in a transaction of its own that is committed when they come.

    It is asked again when the connection breaks, so doing it twice must be doing it once.
    """
    return await _ask(sql, params, using, most=MOST_WRITING, kind="write")


async def write_during(
    work: Callable[[], R], sql: str, params: Sequence[Any] = (), *, using: str = "default"
) -> tuple[list[Any], R]:
    """As `write`, while `work` is done here; what that returns comes too. When it raises, nothing is written.

    `work` is short: nothing else is answered meanwhile, and others may wait for rows that the statement locks.
    """
    done: list[R] = []

    def once() -> None:
        # The statement may be asked again, what was done is done.
        if not done:
            done.append(work())

    found = await _ask(sql, params, using, most=MOST_WRITING, kind="write", work=once)
    return found, done[0]


async def _ask(
    sql: str,
    params: Sequence[Any],
    using: str,
    *,
    most: int,
    kind: str = "read",
    work: Callable[[], None] | None = None,
) -> list[Any]:
    if not env().web_threads:
        if work is not None:
            work()
        return await sync_to_async(_by_django)(sql, params, using)
    links = _links(using, kind, most)
    try:
        return await links.ask(sql, params, work)
    except OperationalError:
        # The server went while we asked. The other connections will be gone too.
        links.close()
        return await links.ask(sql, params, work)


async def row(sql: str, params: Sequence[Any] = (), *, using: str = "default") -> Any | None:
    """The first row, or None."""
    found = await rows(sql, params, using=using)
    return found[0] if found else None


def columns_of(model: type[Model]) -> str:
    """The model's columns for a SELECT, in the order `as_model` takes them."""
    return ", ".join(f'"{model._meta.db_table}"."{field.column}"' for field in model._meta.concrete_fields)


def as_model(model: type[M], found: Sequence[Any]) -> M:
    """The instance that the ORM would give for a row which begins with `columns_of(model)`."""
    names, converted = _shape(model)
    values = list(found[: len(names)])
    for place, field in converted:
        values[place] = field.from_db_value(values[place], None, connections["default"])
    return model.from_db("default", names, values)


def _links(using: str, kind: str, most: int) -> Links:
    links = _opened.setdefault(asyncio.get_running_loop(), {})
    if (using, kind) not in links:
        facts = connections[using].get_connection_params()
        wanted = {name: facts[name] for name in CONNECTION_FACTS if name in facts}
        links[using, kind] = Links(wanted, most=most)
    return links[using, kind]


def _by_django(sql: str, params: Sequence[Any], using: str) -> list[Any]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, params)
        shape = row_of(tuple(column.name for column in cursor.description or ()))
        return [shape(*found) for found in cursor.fetchall()]


@cache
def _shape(model: type[Model]) -> tuple[list[str], list[tuple[int, Any]]]:
    fields = model._meta.concrete_fields
    converted = [(place, field) for place, field in enumerate(fields) if hasattr(field, "from_db_value")]
    return [field.attname for field in fields], converted
