"""A pytest plugin for services: tests may empty guarded tables and drop databases; and a client that signs in."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import AsyncClient

# Which tables refuse TRUNCATE (tgtype's bit 5), as the ledger and the audit trail do.
_GUARDED = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgtype & 32 > 0 AND NOT tgisinternal"
_TRIGGERS = (
    "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger"
    " WHERE NOT tgisinternal AND tgrelid::regclass::text = ANY(%s)"
)
_AS_BEFORE = {"A": "ENABLE ALWAYS", "O": "ENABLE"}


class TokenClient(AsyncClient):
    """A client of the API that sends `Authorization: Bearer <token>` with every request."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        self.handler = _api_handler()

    def generic(self, method: Any, path: Any, *args: Any, headers: Any = None, **kwargs: Any) -> Any:
        """One request, with the token among its headers."""
        # Django 5.2's AsyncClient takes default headers but loses them on the way to the scope.
        sent = {"authorization": f"Bearer {self.token}"} | (headers or {})
        return super().generic(method, path, *args, headers=sent, **kwargs)


def _api_handler() -> Any:
    # Only now: a plugin is imported before there are settings.
    from django.test.client import AsyncClientHandler

    from service_base.handler import ApiChain

    class Handler(ApiChain, AsyncClientHandler):
        """The middleware and the last resort that the API has in a web process."""

    return Handler()


def pytest_configure(config: pytest.Config) -> None:
    """Make Django's test databases bend where production must not."""
    from django.db.backends.base.creation import BaseDatabaseCreation
    from django.db.backends.postgresql.operations import DatabaseOperations

    stock_flush = DatabaseOperations.execute_sql_flush

    def flush(self: Any, statements: list[str]) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(_GUARDED)
            guarded = [row[0] for row in cursor.fetchall()]
            cursor.execute(_TRIGGERS, [guarded])
            restored = [
                f"ALTER TABLE {t} {_AS_BEFORE[s]} TRIGGER {n}" for t, n, s in cursor.fetchall() if s in _AS_BEFORE
            ]
        off = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in guarded]
        stock_flush(self, [*off, *statements, *restored])

    def drop(self: Any, test_database_name: str, verbosity: int) -> None:
        # Threads of finished event loops may still hold a connection; they must not keep the database.
        with self._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {self.connection.ops.quote_name(test_database_name)} WITH (FORCE)")

    setattr(DatabaseOperations, "execute_sql_flush", flush)  # noqa: B010 - the type checker forbids the plain form
    setattr(BaseDatabaseCreation, "_destroy_test_db", drop)  # noqa: B010
