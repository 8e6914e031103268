"""What a person had at a moment: by when it took effect, and by when it was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from billing.queries.statement import ACCOUNTS

EVER = datetime.max.replace(tzinfo=UTC)
_BALANCES = """
    SELECT wanted.id, coalesce(ledger_balance_at(wanted.id, %s, %s), 0)
    FROM unnest(%s::uuid[]) AS wanted(id)
"""
_LAST = "SELECT ledger_last_posting(%s, %s)"


@dataclass(frozen=True, slots=True)
class Balances:
    """What was posted on each account, of what took effect until one moment and was known at another.

    With both moments the same it is what the person was shown then; with a later `recorded_at` it is what was true then
    by what is known now, late events and corrections included. A moment that is None leaves nothing out.
    """

    effective_at: datetime | None
    recorded_at: datetime | None
    posted: Mapping[str, Decimal]


def balances_at(owner: UUID, *, effective_at: datetime | None = None, recorded_at: datetime | None = None) -> Balances:
    """The person's balances at those moments; without any, as her wallet shows them."""
    ids = {name(owner).id: account for account, name in ACCOUNTS.items()}
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, [effective_at or EVER, recorded_at or EVER, list(ids)])
        found = {ids[account_id]: posted for account_id, posted in cursor.fetchall()}
    return Balances(effective_at, recorded_at, {account: found[account] for account in ACCOUNTS})


def last_entry_until(account_id: UUID, moment: datetime) -> int:
    """The largest id that an entry of this account of a person has that was recorded until `moment`.

    Found by halving, however many entries there are; entries with larger ids were recorded later.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [account_id, moment])
        return int(cursor.fetchone()[0] or 0) * 2 + 1
