"""What must hold about the payment provider: payouts in transit and suspense come back to nothing."""

from billing.queries.checks import Check

PAYMENT_CHECKS = [
    Check(
        "sales are shared as they were priced",
        "of each sale the seller and the marketplace got their parts, which sum to what it cost",
        """
        SELECT format('journal %%s over %%s USD: %%s to the seller, %%s fee', j.id, j.details ->> 'market_gross_usd',
                      coalesce(s.net, 0), coalesce(s.fee, 0))
        FROM journal j LEFT JOIN (
            SELECT p.journal_id, sum(p.amount) FILTER (WHERE a.purpose = 'seller_payable') AS net,
                   sum(p.amount) FILTER (WHERE a.purpose = 'marketplace_fee') AS fee
            FROM posting p JOIN account a ON a.id = p.credit_account_id GROUP BY p.journal_id
        ) s ON s.journal_id = j.id
        WHERE j.details ? 'market_gross_usd' AND (
            coalesce(s.net, 0) <> (j.details ->> 'market_net_usd')::numeric
            OR coalesce(s.fee, 0) <> (j.details ->> 'market_fee_usd')::numeric
            OR coalesce(s.net, 0) + coalesce(s.fee, 0) <> (j.details ->> 'market_gross_usd')::numeric)
        ORDER BY j.id LIMIT 1
        """,
        table="journal",
    ),
    Check(
        "payouts in transit clear to zero",
        "what each person has in transit is the sum of her open payouts",
        """
        SELECT format('account %%s has %%s in transit, its open payouts sum to %%s', a.id, b.posted,
                      coalesce(p.sum, 0))
        FROM account a JOIN balance b ON b.account_id = a.id
        LEFT JOIN (SELECT owner_id, sum(amount) FROM payout WHERE status IN ('requested', 'in_transit')
                   GROUP BY owner_id) p USING (owner_id)
        WHERE a.purpose = 'payout_in_transit' AND b.posted <> coalesce(p.sum, 0) ORDER BY a.id LIMIT 1
        """,
        table="payout",
    ),
    Check(
        "payouts have their journals",
        "each payout was requested by one journal over its amount",
        """
        SELECT format('payout %%s over %%s: %%s (%%s)', p.id, p.amount, j.kind, s.amount)
        FROM payout p LEFT JOIN journal j ON j.id = p.journal_id LEFT JOIN posting s ON s.journal_id = j.id
        WHERE j.kind IS DISTINCT FROM 'payout_requested' OR s.amount IS DISTINCT FROM p.amount ORDER BY p.id LIMIT 1
        """,
        table="payout",
    ),
    Check(
        "refunds are posted",
        "what went back of each payment is the sum of its refunds",
        """
        SELECT format('payment %%s: %%s went back, its refunds sum to %%s', p.id, p.refunded, coalesce(r.sum, 0))
        FROM (SELECT id, refunded FROM payment UNION ALL
              SELECT id, refunded FROM unmatched_payment WHERE journal_id IS NOT NULL) p
        LEFT JOIN (SELECT j.details ->> 'payment' AS payment, sum(s.amount)
                   FROM journal j JOIN posting s ON s.journal_id = j.id
                   WHERE j.kind = 'payment_refunded' GROUP BY 1) r ON r.payment = p.id::text
        WHERE p.refunded <> coalesce(r.sum, 0) ORDER BY p.id LIMIT 1
        """,
        table="payment",
    ),
    Check(
        "suspense is what nobody was found for",
        "the suspense account is the sum of the payments that wait there for their owner",
        """
        SELECT format('suspense has %%s, the payments in it sum to %%s', s.sum, u.sum)
        FROM (SELECT coalesce(sum(e.amount), 0) AS sum FROM entry e JOIN account a ON a.id = e.account_id
              WHERE a.purpose = 'suspense') s,
             (SELECT coalesce(sum(amount - refunded), 0) AS sum FROM unmatched_payment
              WHERE journal_id IS NOT NULL AND assigned_by_id IS NULL) u
        WHERE s.sum <> u.sum
        """,
        table="unmatched_payment",
    ),
]
