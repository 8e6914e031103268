"""What must hold about what statements read beside the ledger: sums of long accounts, and what finds their entries."""

from billing.queries.checks import Check

STATEMENT_CHECKS = [
    Check(
        "statements are summed up right",
        "what is summed up of each long account is its balance at that place, and each of its entries is found once",
        """
        SELECT format('account %%s until posting %%s: its balance is %%s of %%s entries, %%s are summed up of %%s,'
                      ' %%s can be found', m.account_id, m.until_posting, due.sum, due.count, known.sum, known.count,
                      found.count)
        FROM statement_mark m
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount), 0) AS sum, count(*) FROM entry
            WHERE entry.account_id = m.account_id AND entry.posting_id <= m.until_posting
        ) AS due
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(came_in - went_out), 0) AS sum, coalesce(sum(count), 0) AS count FROM statement_sum
            WHERE statement_sum.account_id = m.account_id
        ) AS known
        CROSS JOIN LATERAL (SELECT count(*) FROM statement_line WHERE statement_line.account_id = m.account_id) AS found
        WHERE due.sum <> known.sum OR due.count <> known.count OR due.count <> found.count
        ORDER BY m.account_id LIMIT 1
        """,
        table="statement_line",
    ),
]
