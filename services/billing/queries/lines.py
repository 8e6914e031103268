"""The entries of accounts, a page at a time: whatever is asked for, a page costs what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import prefetch_related_objects

from billing.models import Entry
from billing.rules.accounts import AccountName

# Beyond every entry there will be.
END = 2**61


@dataclass(frozen=True, slots=True)
class Span:
    """The entries after `low` up to `high` of one account."""

    account: AccountName
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of which accounts and spans, of which kind, for which machine."""

    spans: Sequence[Span]
    kind: str | None = None
    machine_id: UUID | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether entries between those that are shown are left out."""
        return self.kind is not None or self.machine_id is not None

    def before(self, entry: int) -> Wanted:
        """Those of them before that entry."""
        return replace(self, spans=[replace(span, high=min(span.high, entry - 1)) for span in self.spans])

    def after(self, entry: int) -> Wanted:
        """Those of them after that entry."""
        return replace(self, spans=[replace(span, low=max(span.low, entry)) for span in self.spans])


def spans_of(
    accounts: Sequence[AccountName], *, since: datetime | None = None, until: datetime | None = None
) -> list[Span]:
    """What was booked in a period, as spans of entries."""
    return [
        Span(account, _place(account, since) if since else 0, _place(account, until) if until else END)
        for account in accounts
    ]


def newest(wanted: Wanted, most: int) -> list[Entry]:
    """The last `most` entries, newest first, with journal and operation."""
    return _entries(wanted, most, newest_first=True)


def oldest(wanted: Wanted, most: int) -> list[Entry]:
    """The first `most` entries, oldest first, with journal and operation."""
    return _entries(wanted, most, newest_first=False)


def balance_at(account: AccountName, entry: int) -> Decimal:
    """What was on the account once that entry, or the one before it, was booked."""
    sql = """
        SELECT balance FROM entry
        WHERE (account_id, posting_id) > (%s, 0) AND (account_id, posting_id) <= (%s, %s / 2) AND id <= %s
        ORDER BY account_id DESC, posting_id DESC LIMIT 1
    """
    found = _one(sql, [account.id, account.id, entry, entry])
    return found if found is not None else Decimal(0)


def _place(account: AccountName, moment: datetime) -> int:
    """The last entry that was booked before the moment."""
    last = _one("SELECT ledger_last_posting(%s, %s)", [account.id, moment - timedelta(microseconds=1)])
    return int(last) * 2 + 1


def _one(sql: str, params: Sequence[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchone()
    return found[0] if found else None


# Entries are found by the number of their posting; their ids, which are made of it, decide at the ends of a span.
# Account and number are compared and ordered as a pair: said apart, the planner may go through everybody's postings.
_IN_SPAN = """
    (s.account_id, s.posting_id) >= (span.account_id, span.low / 2) AND s.id > span.low
    AND (s.account_id, s.posting_id) <= (span.account_id, span.high / 2) AND s.id <= span.high
"""
_ALL = f"""
    SELECT posting_id FROM entry AS s WHERE {_IN_SPAN}
    ORDER BY s.account_id {{order}}, s.posting_id {{order}} LIMIT %(most)s
"""
# A long account has lines to be found by; what is newer than they are is looked through.
_FILTERED = f"""
    SELECT posting_id FROM (
        (SELECT s.id / 2 AS posting_id FROM statement_line AS s
         WHERE s.account_id = span.account_id AND s.id > span.low AND s.id <= span.high {{filter}}
         ORDER BY s.id {{order}} LIMIT %(most)s)
        UNION ALL
        (SELECT posting_id FROM entry_line AS s
         WHERE {_IN_SPAN} AND (s.account_id, s.posting_id) > (span.account_id, coalesce(
             (SELECT until_posting FROM statement_mark AS m WHERE m.account_id = span.account_id), 0)) {{filter}}
         ORDER BY s.account_id {{order}}, s.posting_id {{order}} LIMIT %(most)s)
    ) AS found ORDER BY posting_id {{order}} LIMIT %(most)s
"""
_PAGE = """
    SELECT entry.*
    FROM unnest(%(accounts)s::uuid[], %(lows)s::bigint[], %(highs)s::bigint[]) AS span(account_id, low, high)
    CROSS JOIN LATERAL ({chosen}) AS chosen
    CROSS JOIN LATERAL (
        SELECT * FROM entry WHERE entry.account_id = span.account_id AND entry.posting_id = chosen.posting_id OFFSET 0
    ) AS entry
    ORDER BY entry.id {order} LIMIT %(most)s
"""


def _entries(wanted: Wanted, most: int, *, newest_first: bool) -> list[Entry]:
    order = "DESC" if newest_first else "ASC"
    asked = "AND s.kind = %(kind)s " if wanted.kind else ""
    asked += "AND s.machine_id = %(machine_id)s" if wanted.machine_id else ""
    chosen = _FILTERED if wanted.is_filtered else _ALL
    sql = _PAGE.format(chosen=chosen.format(order=order, filter=asked), order=order)
    facts = {
        "accounts": [span.account.id for span in wanted.spans],
        "lows": [span.low for span in wanted.spans],
        "highs": [span.high for span in wanted.spans],
        "kind": wanted.kind,
        "machine_id": wanted.machine_id,
        "most": most,
    }
    found = list(Entry.objects.raw(sql, facts))
    # Each by its key: joining the pages of a statement to all journals is what the planner would otherwise consider.
    prefetch_related_objects(found, "account", "counter_account", "journal__operation")
    return found
