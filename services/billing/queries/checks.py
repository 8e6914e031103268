"""What must hold in the ledger, each as a query for what does not: no row means that it holds."""

from __future__ import annotations

from typing import NamedTuple


class Check(NamedTuple):
    """`finds` returns one text for each thing that is wrong; `holds` says what is true when there is none.

    `table` holds what is checked: how many rows it has is shown beside the result.
    """

    name: str
    holds: str
    finds: str
    table: str = ""


_OPEN_PART = "hold_part p WHERE NOT EXISTS (SELECT FROM hold_resolution r WHERE r.hold_id = p.hold_id)"

SUMS = """
    SELECT e.currency, coalesce(sum(e.amount) FILTER (WHERE a.owner_id <> %(platform)s), 0) AS people,
           coalesce(sum(e.amount) FILTER (WHERE a.owner_id = %(platform)s), 0) AS platform
    FROM entry e JOIN account a ON a.id = e.account_id
    GROUP BY e.currency ORDER BY e.currency
"""

CHECKS = [
    Check(
        "postings fit their accounts",
        "each posting moves a positive amount between two accounts of its currency",
        """
        SELECT format('posting %%s of %%s %%s', p.id, p.amount, p.currency)
        FROM posting p
        LEFT JOIN account d ON d.id = p.debit_account_id LEFT JOIN account c ON c.id = p.credit_account_id
        WHERE d.currency IS DISTINCT FROM p.currency OR c.currency IS DISTINCT FROM p.currency OR p.amount <= 0
        ORDER BY p.id LIMIT 1
        """,
        table="posting",
    ),
    Check(
        "each currency sums to zero",
        "people's balances and the platform's postings cancel out in each currency",
        """
        WITH ours AS (
            SELECT a.currency, e.amount FROM entry e JOIN account a ON a.id = e.account_id
            WHERE a.owner_id = %(platform)s
        ), theirs AS (
            SELECT a.currency, b.posted AS amount FROM balance b JOIN account a ON a.id = b.account_id
        )
        SELECT format('%%s sums to %%s', currency, sum(amount))
        FROM (SELECT * FROM ours UNION ALL SELECT * FROM theirs) AS sides
        GROUP BY currency HAVING sum(amount) <> 0 ORDER BY currency LIMIT 1
        """,
        table="account",
    ),
    Check(
        "balances equal their postings",
        "each balance is the sum of its account's postings",
        """
        SELECT format('account %%s has %%s, its postings sum to %%s', b.account_id, b.posted, coalesce(e.sum, 0))
        FROM balance b LEFT JOIN (SELECT account_id, sum(amount) FROM entry GROUP BY account_id) e USING (account_id)
        WHERE b.posted <> coalesce(e.sum, 0) ORDER BY b.account_id LIMIT 1
        """,
        table="balance",
    ),
    Check(
        "running balances are right",
        "each entry's balance is the one before it plus its amount",
        """
        SELECT format('entry %%s shows %%s, the entries up to it sum to %%s', id, balance, due)
        FROM (
            SELECT e.id, e.balance, sum(e.amount) OVER (PARTITION BY e.account_id ORDER BY e.id) AS due
            FROM entry e JOIN balance b USING (account_id)
        ) AS run
        WHERE balance IS DISTINCT FROM due ORDER BY id LIMIT 1
        """,
        table="posting",
    ),
    Check(
        "entries were recorded in their order",
        "no entry of an account was recorded more than a minute before the one it follows",
        """
        SELECT format('entry %%s was recorded at %%s, the one before it at %%s', id, recorded_at, before)
        FROM (
            SELECT e.id, j.recorded_at, lag(j.recorded_at) OVER (PARTITION BY e.account_id ORDER BY e.id) AS before
            FROM entry e JOIN balance b USING (account_id) JOIN journal j ON j.id = e.journal_id
        ) AS run
        WHERE recorded_at < before - interval '1 minute' ORDER BY id LIMIT 1
        """,
        table="posting",
    ),
    Check(
        "floors hold",
        "nobody's free balance is below its floor, and nobody's debt is above zero",
        """
        SELECT format('account %%s: %%s posted, %%s held', b.account_id, b.posted, b.held)
        FROM balance b JOIN account a ON a.id = b.account_id
        WHERE b.posted - b.held < b.floor OR b.floor IS DISTINCT FROM a.floor OR b.held < 0
           OR (a.purpose = 'receivable' AND b.posted > 0)
        ORDER BY b.account_id LIMIT 1
        """,
        table="balance",
    ),
    Check(
        "held equals open holds",
        "what each balance holds is the sum of the open holds on it",
        f"""
        SELECT format('account %%s holds %%s, its open holds sum to %%s', b.account_id, b.held, coalesce(h.sum, 0))
        FROM balance b
        LEFT JOIN (SELECT p.account_id, sum(p.amount) FROM {_OPEN_PART} GROUP BY p.account_id) h USING (account_id)
        WHERE b.held <> coalesce(h.sum, 0) ORDER BY b.account_id LIMIT 1
        """,
        table="balance",
    ),
    Check(
        "captured holds are charged",
        "each captured hold leads to the journal of its own work",
        """
        SELECT format('hold %%s was captured by journal %%s', h.id, r.journal_id)
        FROM hold_resolution r JOIN hold h ON h.id = r.hold_id LEFT JOIN journal j ON j.id = r.journal_id
        LEFT JOIN operation o ON o.id = j.operation_id
        WHERE r.outcome = 'captured' AND o.work_id IS DISTINCT FROM h.work_id LIMIT 1
        """,
        table="hold",
    ),
    Check(
        "coupon lots add up",
        "what remains of each lot is what was granted less what was used, and what it holds is in open holds",
        f"""
        SELECT format('lot %%s: %%s of %%s remain, %%s used, %%s held', l.id, l.remaining, l.granted,
                      coalesce(u.sum, 0), l.held)
        FROM coupon_lot l
        LEFT JOIN (SELECT lot_id, sum(amount) FROM lot_use GROUP BY lot_id) u ON u.lot_id = l.id
        LEFT JOIN (SELECT p.lot_id, sum(p.amount) FROM {_OPEN_PART} GROUP BY p.lot_id) h ON h.lot_id = l.id
        WHERE l.remaining <> l.granted - coalesce(u.sum, 0) OR l.held <> coalesce(h.sum, 0) ORDER BY l.id LIMIT 1
        """,
        table="coupon_lot",
    ),
    Check(
        "coupon accounts equal their lots",
        "each coupon account has what its lots have left",
        """
        SELECT format('account %%s has %%s, its lots %%s', b.account_id, b.posted, coalesce(l.remaining, 0))
        FROM balance b JOIN account a ON a.id = b.account_id AND a.purpose = 'coupon'
        LEFT JOIN (SELECT account_id, sum(remaining) AS remaining, sum(held) AS held
                   FROM coupon_lot GROUP BY account_id) l USING (account_id)
        WHERE b.posted <> coalesce(l.remaining, 0) OR b.held <> coalesce(l.held, 0) ORDER BY b.account_id LIMIT 1
        """,
        table="coupon_lot",
    ),
    Check(
        "coupon budgets add up",
        "each coupon's spent budget is the sum of its activations",
        """
        SELECT format('coupon %%s: %%s granted, its lots sum to %%s', c.code, c.granted, coalesce(l.sum, 0))
        FROM coupon c LEFT JOIN (SELECT coupon_id, sum(granted) FROM coupon_lot GROUP BY coupon_id) l
            ON l.coupon_id = c.code
        WHERE c.granted <> coalesce(l.sum, 0) ORDER BY c.code LIMIT 1
        """,
        table="coupon",
    ),
    Check(
        "payments are in the wallet once",
        "each payment that succeeded has one journal over its amount",
        """
        SELECT format('payment %%s over %%s: %%s postings sum to %%s', p.reference, p.amount, count(s.id),
                      coalesce(sum(s.amount), 0))
        FROM payment p LEFT JOIN posting s ON s.journal_id = p.journal_id
        WHERE p.status IN ('succeeded', 'refunded')
        GROUP BY p.id HAVING coalesce(sum(s.amount), 0) <> p.amount OR count(s.id) <> 1 LIMIT 1
        """,
        table="payment",
    ),
    Check(
        "operations have one journal each",
        "each operation has its journal, and each usage's journal its operation of the same kind",
        """
        SELECT format('operation %%s (%%s), journal %%s (%%s)', o.id, o.kind, j.id, j.kind)
        FROM operation o FULL JOIN journal j ON j.operation_id = o.id
        WHERE (j.id IS NULL OR (o.id IS NULL AND j.kind = ANY(%(usage_kinds)s)) OR o.kind <> j.kind) LIMIT 1
        """,
        table="operation",
    ),
    Check(
        "usage events are charged",
        "each usage event that was received led to one journal, and each usage's journal to its event",
        """
        SELECT format('event %%s (%%s) has no journal', i.event_id, i.type)
        FROM inbox i LEFT JOIN usage u ON u.event_id = i.event_id
        WHERE i.consumer = %(consumer)s AND i.type = ANY(%(usage_types)s) AND u.event_id IS NULL
        UNION ALL
        SELECT format('journal %%s (%%s) has no event', j.id, j.kind)
        FROM journal j LEFT JOIN usage u ON u.journal_id = j.id
        WHERE j.kind = ANY(%(usage_kinds)s) AND u.event_id IS NULL
        UNION ALL
        SELECT format('event %%s is of kind %%s', u.event_id, j.kind)
        FROM usage u JOIN journal j ON j.id = u.journal_id WHERE j.kind <> ALL(%(usage_kinds)s)
        LIMIT 1
        """,
        table="usage",
    ),
    Check(
        "no usage event is set aside",
        "no usage event is parked, so none waits to be charged",
        """
        SELECT format('event %%s (%%s) is parked: %%s', event_id, type, left(error, 200))
        FROM parked_event WHERE consumer = %(consumer)s AND type = ANY(%(usage_types)s) ORDER BY id LIMIT 1
        """,
        table="parked_event",
    ),
    Check(
        "the chain of seals holds",
        "each seal follows from the one before it, its journal and its postings",
        """
        SELECT format('the seal at position %%s does not fit its journal', broken)
        FROM ledger_first_broken_seal() AS broken WHERE broken IS NOT NULL
        """,
        table="journal_seal",
    ),
]
