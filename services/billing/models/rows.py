"""The rows that every usage writes, column by column in the order in which `ledger_write` takes them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from billing.models.ledger import Journal
from billing.models.operations import Operation


class OperationRow(NamedTuple):
    """What money moved for (see models.Operation). `kind` is a plain text: a member of an enum is slow to tell."""

    id: UUID
    kind: str
    machine_id: UUID | None
    machine_name: str
    machine_owner_id: UUID | None
    operation_user_id: UUID
    work_id: UUID | None
    quote_id: UUID | None
    count_of_lines: int
    count_of_training_epoch: int | None
    columns: int | None
    level: int | None
    date_time: datetime

    @classmethod
    def of(cls, operation: Operation) -> OperationRow:
        """The row of an operation that a command made as the model's object, most of it as the model has it."""
        return cls._make(getattr(operation, name) for name in cls._fields)


class JournalRow(NamedTuple):
    """A movement and its cause (see models.Journal)."""

    id: UUID
    source: str
    idempotency_key: str
    request_hash: str
    kind: str
    effective_at: datetime
    reverses_id: UUID | None
    operation_id: UUID | None
    details: dict[str, Any]

    def as_model(self) -> Journal:
        """The model's object, for those who read more of it or point to it."""
        return Journal(**self._asdict())


class PostingRow(NamedTuple):
    """An amount from one account to another; the database adds what both hold afterwards (see models.Posting)."""

    journal_id: UUID
    seq: int
    debit_account_id: str
    credit_account_id: str
    currency: str
    amount: Decimal


class UsageRow(NamedTuple):
    """Which event told of the usage that a journal charges (see models.Usage)."""

    event_id: UUID
    type: str
    journal_id: UUID
    work_id: UUID | None
    occurred_at: datetime
