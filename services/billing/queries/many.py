"""Plain statements, and rows by many keys at once: one parameter, however many keys there are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection


def ids(keys: Iterable[UUID]) -> str:
    """The keys as PostgreSQL reads an array: `WHERE id = ANY(%s::uuid[])`."""
    return f"{{{','.join(map(str, keys))}}}"


def texts(keys: Iterable[str]) -> str:
    """Any texts, for `WHERE key IN (SELECT json_array_elements_text(%s::json))`."""
    return json.dumps(list(keys))


def rows(sql: str, *parameters: Any, **facts: Any) -> list[tuple[Any, ...]]:
    """What the statement finds; its parameters come in order, or as facts by name."""
    with connection.cursor() as cursor:
        cursor.execute(sql, facts or parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def run(sql: str, *parameters: Any) -> None:
    """A statement that answers nothing."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
