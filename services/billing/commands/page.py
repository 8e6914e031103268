"""What a command or a batch of events writes into the ledger, collected row by row and written by one call."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, models
from django.db.models.base import ModelState
from pydantic_core import to_json

from billing.rules.accounts import Move

M = TypeVar("M", bound=models.Model)


class Page:
    """Rows by kind, as the database function `ledger_write` takes them."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._rows)

    def add(self, kind: str, row: models.Model) -> None:
        """One row of a table whose columns the caller filled."""
        self._rows[kind].append(as_row(row))

    def add_moves(self, journal_id: UUID, moves: list[Move]) -> None:
        """The postings of one journal, in their order; movements of nothing are left out."""
        rows = self._rows["postings"]
        for seq, move in enumerate((move for move in moves if move.amount > 0), start=1):
            rows.append(
                {
                    "place": len(rows),
                    "journal_id": journal_id,
                    "seq": seq,
                    "debit": move.debit.id,
                    "credit": move.credit.id,
                    "currency": move.debit.currency,
                    "amount": move.amount,
                }
            )

    def write(self) -> None:
        """Hand everything to the database, which works out the balances and refuses what breaks a rule."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_write(%s::json)", [as_json(self._rows)])
        self._rows.clear()


def new(model: type[M], related: dict[str, models.Model] | None = None, **columns: Any) -> M:
    """A new row, all columns given: what the model's constructor would make, at a tenth of its cost.

    `related` are rows that its foreign keys point to, as the constructor would take them.
    """
    row = model.__new__(model)
    row._state = ModelState()
    row.__dict__.update(columns)
    for name, other in (related or {}).items():
        row._state.fields_cache[name] = other
        row.__dict__[f"{name}_id"] = other.pk
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
