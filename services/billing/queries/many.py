"""Plain statements, and rows by many keys at once: one parameter, however many keys there are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.db import connection
from pydantic_core import to_json

# In JSON a control character is escaped by a letter or a number, which PostgreSQL's arrays do not know.
_ESCAPED_BY_NAME = re.compile(r'\\[^"\\]')


def array(values: Iterable[Any]) -> str:
    """The values as PostgreSQL reads an array (`WHERE id = ANY(%s::uuid[])`): one parameter, however many there are."""
    values = list(values)
    # Compiled code makes JSON of them, which is an array but for its brackets.
    told = to_json(values).decode()
    if "\\" in told and _ESCAPED_BY_NAME.search(told):
        told = f"[{','.join('null' if value is None else _quoted(str(value)) for value in values)}]"
    return f"{{{told[1:-1]}}}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


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
