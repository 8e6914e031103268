"""Summing up accounts that have become long, so that their statements stay as fast as those of short ones."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from billing.models import StatementMark, StatementProgress
from billing.queries import many

# What is read one by one at most; only accounts that move more than this are summed up at all.
LONG = 1_000
_JOURNALS_AT_ONCE = 5_000
_ENTRIES_AT_ONCE = 20_000

# Whose accounts the next journals of the chain moved, and which of them have become long since they were summed up.
_LONG_ACCOUNTS = """
    WITH next AS (
        SELECT position, journal_id FROM journal_seal WHERE position > %(after)s ORDER BY position LIMIT %(journals)s
    ), moved AS (
        SELECT DISTINCT side.account_id FROM next
        CROSS JOIN LATERAL (
            SELECT debit_account_id, credit_account_id FROM posting WHERE posting.journal_id = next.journal_id OFFSET 0
        ) AS p
        CROSS JOIN LATERAL (VALUES (p.debit_account_id), (p.credit_account_id)) AS side(account_id)
        JOIN balance ON balance.account_id = side.account_id
    )
    SELECT (SELECT max(position) FROM next) AS reached, ARRAY(
        SELECT moved.account_id FROM moved LEFT JOIN statement_mark AS mark USING (account_id)
        WHERE EXISTS (
            SELECT FROM entry
            WHERE (entry.account_id, entry.posting_id) > (moved.account_id, coalesce(mark.until_posting, 0))
              AND (entry.account_id, entry.posting_id) <= (moved.account_id, 9223372036854775807)
            ORDER BY entry.account_id, entry.posting_id OFFSET %(long)s LIMIT 1
        )
    ) AS long
"""
# One statement sees one state of the ledger: whatever is booked meanwhile is after the mark.
_SUM_UP = """
    WITH fresh AS MATERIALIZED (
        SELECT * FROM entry_line
        WHERE (account_id, posting_id) > (%(account)s, %(after)s)
          AND (account_id, posting_id) <= (%(account)s, 9223372036854775807)
        ORDER BY account_id, posting_id LIMIT %(entries)s
    ), found_by AS (
        INSERT INTO statement_line (id, account_id, kind, machine_id)
        SELECT id, account_id, kind, machine_id FROM fresh
    ), summed AS (
        INSERT INTO statement_sum AS known (account_id, day, kind, machine_id, other_id, machine_name, came_in,
                                            went_out, count)
        SELECT account_id, day, kind, coalesce(machine_id, %(nobody)s),
               coalesce(nullif(operation_user_id, (SELECT owner_id FROM account WHERE account.id = account_id)),
                        %(nobody)s),
               coalesce((array_agg(machine_name ORDER BY fresh.id DESC))[1], ''),
               sum(greatest(amount, 0)), sum(greatest(-amount, 0)), count(*)
        FROM fresh GROUP BY 1, 2, 3, 4, 5
        ON CONFLICT (account_id, day, kind, machine_id, other_id) DO UPDATE
        SET machine_name = excluded.machine_name, came_in = known.came_in + excluded.came_in,
            went_out = known.went_out + excluded.went_out, count = known.count + excluded.count
    )
    UPDATE statement_mark SET until_posting = (SELECT max(posting_id) FROM fresh)
    WHERE account_id = %(account)s AND EXISTS (SELECT FROM fresh)
    RETURNING (SELECT count(*) FROM fresh)
"""


def sum_up_statements() -> int:
    """Sum up what moved on long accounts since the last time; how many entries that were.

    Follows the chain of seals, so no account is missed, however late its transaction ended. Each step is a transaction
    of its own: what was not summed up yet is read entry by entry, so a statement is right at every moment.
    """
    progress, _ = StatementProgress.objects.get_or_create(pk=1)
    summed = 0
    while True:
        reached, long = _long_accounts(progress.position)
        for account in long:
            while found := _sum_up(account):
                summed += found
        if reached is None:
            return summed
        progress.position = reached
        progress.save(update_fields=["position"])


@transaction.atomic
def _sum_up(account: UUID) -> int:
    StatementMark.objects.get_or_create(pk=account, defaults={"until_posting": 0})
    mark = StatementMark.objects.select_for_update().get(pk=account)
    found = many.rows(_SUM_UP, account=account, after=mark.until_posting, entries=_ENTRIES_AT_ONCE, nobody=UUID(int=0))
    return int(found[0][0]) if found else 0


def _long_accounts(after: int) -> tuple[int | None, Sequence[UUID]]:
    [(reached, long)] = many.rows(_LONG_ACCOUNTS, after=after, journals=_JOURNALS_AT_ONCE, long=LONG)
    return reached, long
