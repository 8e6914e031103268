"""A cursor for statements with long texts."""

from __future__ import annotations

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper


def bound_by_server() -> CursorWrapper:
    """A cursor of the open transaction whose parameters the server puts in.

    Long texts are neither escaped here nor searched for their ends there, in that of the statement.
    """
    return CursorWrapper(ServerBindingCursor(connection.connection), connection)  # type: ignore[call-arg]  # the stubs lack psycopg's part
