"""What a person had at a moment: by when it took effect, and by when it was recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import prefetch_related_objects

from billing.models import Entry
from billing.queries import many
from billing.queries.lines import END
from billing.queries.statement import ACCOUNTS
from billing.rules.accounts import AccountName
from service_base.errors import BadInput
from service_base.pagination import MOST, cursor_of, value_in

EVER = datetime.max.replace(tzinfo=UTC)
_BALANCES = """
    SELECT wanted.id, coalesce(ledger_balance_at(wanted.id, %s, %s), 0)
    FROM unnest(%s::uuid[]) AS wanted(id)
"""
_PLACES = """
    SELECT ledger_last_posting(%(account)s, least(%(recorded)s, %(effective)s + interval '1 minute')) AS near,
           ledger_last_posting(%(account)s, %(recorded)s) AS last
"""
# Account and id compared together, and OFFSET 0: each step is one look-up by a key, however the planner estimates.
_SIDE = """
    (SELECT p.id FROM posting AS p
     CROSS JOIN LATERAL (SELECT effective_at FROM journal WHERE id = p.journal_id OFFSET 0) AS j
     WHERE (p.{side}, p.id) <= (%(account)s, least(%(near)s, %(before)s - 1)) AND (p.{side}, p.id) >= (%(account)s, 0)
       AND j.effective_at <= %(effective)s
     ORDER BY p.{side} DESC, p.id DESC LIMIT %(most)s)
"""
_OUT_OF_TIME = """
    (SELECT p.id FROM (
         SELECT id FROM journal
         WHERE tstzrange(least(effective_at, recorded_at), greatest(effective_at, recorded_at), '[]') @> %(effective)s
           AND recorded_at - effective_at NOT BETWEEN interval '-1 minute' AND interval '1 minute'
           AND effective_at <= %(effective)s OFFSET 0
     ) AS j CROSS JOIN LATERAL (
         SELECT id FROM posting
         WHERE journal_id = j.id AND (debit_account_id = %(account)s OR credit_account_id = %(account)s) OFFSET 0
     ) AS p
     WHERE p.id > %(near)s AND p.id <= %(last)s AND p.id < %(before)s ORDER BY p.id DESC LIMIT %(most)s)
"""
_FOUND = " UNION ALL ".join(
    [_SIDE.format(side="debit_account_id"), _SIDE.format(side="credit_account_id"), _OUT_OF_TIME]
)
_ENTRIES = f"""
    SELECT entry.* FROM (SELECT id FROM ({_FOUND}) AS found ORDER BY id DESC LIMIT %(most)s) AS chosen
    CROSS JOIN LATERAL (
        SELECT * FROM entry WHERE account_id = %(account)s AND entry.posting_id = chosen.id OFFSET 0
    ) AS entry
    ORDER BY entry.posting_id DESC
"""


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
    rows = many.rows(_BALANCES, effective_at or EVER, recorded_at or EVER, list(ids))
    found = {ids[account_id]: posted for account_id, posted in rows}
    return Balances(effective_at, recorded_at, {account: found[account] for account in ACCOUNTS})


def entries_at(
    owner: UUID,
    account: str,
    *,
    effective_at: datetime | None = None,
    recorded_at: datetime | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> tuple[list[Entry], str | None]:
    """The entries that make up an account's balance at those moments, newest first, and the cursor of the next page.

    What took effect within a minute of its recording is found by its place among the account's entries, the rest by
    the time between. Raises BadInput.
    """
    size = max(1, min(limit, MOST))
    facts: dict[str, Any] = {
        "account": account_called(account)(owner).id,
        "effective": effective_at or EVER,
        "recorded": recorded_at or EVER,
        "before": place_in(cursor) if cursor else END,
        "most": size + 1,
    }
    with connection.cursor() as session:
        session.execute(_PLACES, facts)
        facts["near"], facts["last"] = session.fetchone()
    found = list(Entry.objects.raw(_ENTRIES, facts))
    prefetch_related_objects(found, "account", "counter_account", "journal__operation")
    more = len(found) > size
    return found[:size], cursor_of(found[size - 1].pk // 2) if more else None


def account_called(name: str) -> Callable[[UUID], AccountName]:
    """A person's account by its short name. Raises BadInput."""
    if name not in ACCOUNTS:
        raise BadInput(f"Choose one of {', '.join(ACCOUNTS)}.", field="account")
    return ACCOUNTS[name]


def place_in(cursor: str) -> int:
    """The posting that a cursor names. Raises BadInput."""
    value = value_in(cursor)
    if not (value.isascii() and value.isdecimal() and len(value) < 19):
        raise BadInput("This cursor was not given by this list; leave it out to start anew.", field="cursor")
    return int(value)
