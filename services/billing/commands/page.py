"""What a command or a batch of events writes into the ledger, collected row by row and written by one call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import models
from django.db.models.base import ModelState
from pydantic_core import to_json

from billing.models.rows import JournalRow, OperationRow, PostingRow, UsageRow
from billing.queries import many
from shared_models.cursors import bound_by_server

M = TypeVar("M", bound=models.Model)
Row = OperationRow | JournalRow | PostingRow | UsageRow
# In the order in which `ledger_write` takes them.
_BY_COLUMN = (OperationRow, JournalRow, PostingRow, UsageRow)
_WRITE = "SELECT ledger_write(%s::json, %b::text[], %b::text[], %b::text[], %b::text[])"


class Page:
    """Rows as the database function `ledger_write` takes them: what every usage writes by columns, the rest as JSON."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._rest: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._rows: dict[type, list[Row]] = {kind: [] for kind in _BY_COLUMN}

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._rest or any(self._rows.values()))

    def add(self, row: Row) -> None:
        """A row that travels by columns."""
        self._rows[type(row)].append(row)

    def add_other(self, kind: str, row: models.Model | dict[str, Any]) -> None:
        """A row that few pages have, of a table whose columns the caller filled, and changes no more."""
        self._rest[kind].append(as_row(row) if isinstance(row, models.Model) else row)

    def write(self) -> None:
        """Hand everything to the database, which works out the balances and refuses what breaks a rule."""
        rest = as_json(self._rest) if self._rest else None
        columns = [_columns_of(rows) for rows in self._rows.values()]
        with bound_by_server() as cursor:
            cursor.execute(_WRITE, [rest, *columns])
        self._forget()


def _columns_of(rows: Sequence[Row]) -> list[str] | None:
    if not rows:
        return None
    columns = zip(rows[0]._fields, zip(*rows, strict=True), strict=True)
    return [_of_json(values) if name == "details" else many.array(values) for name, values in columns]


def _of_json(values: Sequence[Any]) -> str:
    """As `many.array`, for what is JSON itself, and as such has its control characters escaped already."""
    return f"{{{as_json([as_json(value) for value in values])[1:-1]}}}"


def new(model: type[M], columns: Iterable[tuple[str, Any]]) -> M:
    """A row with these columns: what the model's constructor would make, at a tenth of its cost."""
    row = model.__new__(model)
    row._state = ModelState()
    row.__dict__.update(columns)
    return row


def as_row(row: models.Model) -> dict[str, Any]:
    """A model's columns, for `as_json`; what is absent is NULL, and would only have to be read."""
    values = row.__dict__
    return {column: value for column, name in _columns(type(row)) if (value := values[name]) is not None}


def as_json(rows: object) -> str:
    """Rows as PostgreSQL reads them: amounts and ids as text, times with their zone."""
    return to_json(rows).decode()


@cache
def _columns(model: type[models.Model]) -> list[tuple[str, str]]:
    return [(str(field.column), field.attname) for field in model._meta.concrete_fields]
