"""Entries, operations and journals as HTTP shapes."""

from __future__ import annotations

from typing import Any

from billing.models import Entry, Journal, Operation
from billing.queries import SEEDS, Story, account_of
from billing.schemas.fields import amount_or_none, id_or_none
from billing.schemas.prices import show_hold, show_quote
from shared_models.clock import rfc3339
from shared_models.money import plain


def show_entry(entry: Entry) -> dict[str, Any]:
    """One entry of a statement."""
    journal, operation = entry.journal, entry.journal.operation
    return {
        "id": str(entry.pk),
        "journal_id": str(journal.pk),
        "account": account_of(entry),
        "currency": entry.currency,
        "amount": plain(entry.amount),
        "balance": amount_or_none(entry.balance),
        "kind": journal.kind,
        "label": entry.label,
        "effective_at": rfc3339(journal.effective_at),
        "recorded_at": rfc3339(journal.recorded_at),
        "operation_id": str(operation.pk) if operation else None,
        "machine_id": id_or_none(operation.machine_id) if operation else None,
        "machine_name": operation.machine_name if operation else None,
    }


def show_operation(operation: Operation) -> dict[str, Any]:
    """An operation, its kind also as the nine booleans."""
    return {
        "id": str(operation.pk),
        "kind": operation.kind,
        "type": operation.get_type,
        "state": operation.state,
        **operation.flags(),
        "machine_id": id_or_none(operation.machine_id),
        "machine_name": operation.machine_name,
        "machine_owner": id_or_none(operation.machine_owner_id),
        "operation_user": str(operation.operation_user_id),
        "work_id": id_or_none(operation.work_id),
        "quote_id": id_or_none(operation.quote_id),
        "journal_id": str(operation.journal.pk),
        "count_of_lines": operation.count_of_lines,
        "count_of_training_epoch": operation.count_of_training_epoch,
        "columns": operation.columns,
        "level": operation.level,
        "date_time": rfc3339(operation.date_time),
        # What moved in the person's own wallet, where that was asked for.
        **{leg: amount_or_none(getattr(operation, leg, None)) for leg in SEEDS},
    }


def show_story(story: Story) -> dict[str, Any]:
    """A journal with what explains it."""
    journal = story.journal
    postings = [
        {
            "from": posting.debit_account.purpose,
            "to": posting.credit_account.purpose,
            "currency": posting.currency,
            "amount": plain(posting.amount),
        }
        for posting in story.postings
    ]
    return {
        "id": str(journal.pk),
        "kind": journal.kind,
        "label": story.label,
        "sentence": story.sentence,
        "effective_at": rfc3339(journal.effective_at),
        "recorded_at": rfc3339(journal.recorded_at),
        "postings": postings,
        "operation_id": id_or_none(journal.operation_id),
        "quote": show_quote(story.quote) if story.quote else None,
        "hold": show_hold(story.hold) if story.hold else None,
        "events": [{"id": str(usage.pk), "type": usage.type} for usage in story.usages],
    }


def show_journal_id(journal: Journal) -> dict[str, Any]:
    """The journal that a write made."""
    return {"journal_id": str(journal.pk), "kind": journal.kind, "effective_at": rfc3339(journal.effective_at)}
