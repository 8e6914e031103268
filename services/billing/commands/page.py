"""What a command or a batch of events writes into the ledger, collected row by row and written by one call."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models

from billing.rules.accounts import Move
from shared_models.clock import rfc3339
from shared_models.money import plain


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
                    "journal_id": str(journal_id),
                    "seq": seq,
                    "debit": str(move.debit.id),
                    "credit": str(move.credit.id),
                    "currency": move.debit.currency,
                    "amount": plain(move.amount),
                }
            )

    def write(self) -> None:
        """Hand everything to the database, which works out the balances and refuses what breaks a rule."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_write(%s::json)", [json.dumps(self._rows)])
        self._rows.clear()


def as_row(row: models.Model) -> dict[str, Any]:
    """A model's columns as JSON carries them to the database."""
    values = row.__dict__
    found = {}
    for column, name in _columns(type(row)):
        value = values[name]
        told = _TOLD.get(type(value))
        found[column] = told(value) if told else value
    return found


@cache
def _columns(model: type[models.Model]) -> list[tuple[str, str]]:
    return [(str(field.column), field.attname) for field in model._meta.concrete_fields]


_TOLD: dict[type, Callable[[Any], str]] = {Decimal: plain, UUID: str, datetime: rfc3339}
