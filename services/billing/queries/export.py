"""Entries as CSV, for spreadsheets that must not run any of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO

from django.db.models import QuerySet

from billing.models import Entry
from billing.queries.statement import account_of
from billing.rules.wording import spreadsheet_safe
from service_base.errors import BadInput
from shared_models.clock import rfc3339
from shared_models.money import plain

MOST_ROWS = 100_000
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


def csv_of(entries: QuerySet[Entry]) -> str:
    """The entries, oldest first, all digits of each amount. Raises BadInput for more than fit one file."""
    rows = list(entries.order_by("id")[: MOST_ROWS + 1])
    if len(rows) > MOST_ROWS:
        raise BadInput(f"These are more than {MOST_ROWS} entries; choose a shorter period.", field="since")
    return _table(rows)


def _table(entries: Iterable[Entry]) -> str:
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(_row(entry) for entry in entries)
    return text.getvalue()


def _row(entry: Entry) -> list[str]:
    journal, operation = entry.journal, entry.journal.operation
    return [
        str(entry.pk),
        rfc3339(journal.recorded_at),
        rfc3339(journal.effective_at),
        journal.kind,
        # The only text that somebody else may have chosen.
        spreadsheet_safe(operation.machine_name) if operation else "",
        str(operation.count_of_lines) if operation else "",
        account_of(entry),
        entry.currency,
        plain(entry.amount),
        plain(entry.balance) if entry.balance is not None else "",
        str(journal.pk),
    ]
