"""The projections' tables, each written with one statement for any number of rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Projection:
    """A table, the columns that name a row, and every column that identity's events fill."""

    table: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    version: str | None = None

    def put(self, rows: Iterable[Row], *, even_older: bool = False) -> int:
        """Make the rows so; a row that knows a later version stays, unless `even_older`. How many were written.

        Of several states of one row the last one with the highest version counts, in whatever order they come.
        """
        latest: dict[tuple[str, ...], Row] = {}
        for row in rows:
            name = tuple(str(row[column]) for column in self.key)
            if name not in latest or self.version is None or row[self.version] >= latest[name][self.version]:
                latest[name] = row
        if not latest:
            return 0
        # Sorted, because two writers that wait for each other's rows in different orders deadlock.
        values = json.dumps([latest[name] for name in sorted(latest)], default=str)
        with connection.cursor() as cursor:
            cursor.execute(self._statement(even_older), [values])
            return int(cursor.rowcount)

    def _statement(self, even_older: bool) -> str:
        names = ", ".join(self.columns)
        types = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in self.columns if name not in self.key)
        guard = f" WHERE {self.table}.{self.version} < EXCLUDED.{self.version}" if self.version else ""
        return (
            f"INSERT INTO {self.table} ({names}) SELECT {names} FROM json_to_recordset(%s::json) AS row({types})"
            f" ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {changed}{'' if even_older else guard}"
        )


PEOPLE = Projection(
    "principal",
    ("id",),
    {"id": "uuid", "version": "bigint"}
    | dict.fromkeys(("email", "first_name", "last_name", "password"), "text")
    | dict.fromkeys(("is_active", "is_staff", "is_superuser"), "boolean")
    | dict.fromkeys(
        ("time_format", "date_format", "date_separator", "datetime_separator", "decimal_separator"), "text"
    ),
    "version",
)
TEAMS = Projection(
    "known_team", ("id",), {"id": "uuid", "version": "bigint", "name": "text", "deleted": "boolean"}, "version"
)
MEMBERSHIPS = Projection(
    "team_membership",
    ("team_id", "user_id"),
    {"team_id": "uuid", "user_id": "uuid", "role": "text", "version": "bigint"},
    "version",
)
REVOKED_KEYS = Projection("revoked_api_key", ("key_id",), {"key_id": "uuid", "revoked_at": "timestamptz"})
SIGNING_KEYS = Projection("public_key", ("kid",), {"kid": "text", "jwk": "jsonb", "retired": "boolean"})
