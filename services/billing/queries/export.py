"""Entries as CSV, for spreadsheets that must not run any of them; sent as they are read, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from billing.models import Entry
from billing.queries.statement import StatementFilter, account_of, every_entry
from billing.rules.wording import csv_row
from shared_models.clock import rfc3339

COLUMNS = (
    "entry",
    "booked_at",
    "effective_at",
    "kind",
    "machine",
    "lines",
    "account",
    "currency",
    "amount",
    "balance",
    "journal",
)


def csv_of(owner: UUID, asked: StatementFilter) -> Iterator[str]:
    """The person's entries that pass the filter, oldest first, all digits of each amount; some rows at a time."""
    yield csv_row(COLUMNS)
    for entries in every_entry(owner, asked):
        yield _table(entries)


def _table(entries: Iterable[Entry]) -> str:
    return "".join(csv_row(_row(entry)) for entry in entries)


def _row(entry: Entry) -> list[object]:
    journal, operation = entry.journal, entry.journal.operation
    return [
        entry.pk,
        rfc3339(journal.recorded_at),
        rfc3339(journal.effective_at),
        journal.kind,
        operation.machine_name if operation else "",
        operation.count_of_lines if operation else "",
        account_of(entry),
        entry.currency,
        entry.amount,
        entry.balance if entry.balance is not None else "",
        str(journal.pk),
    ]
