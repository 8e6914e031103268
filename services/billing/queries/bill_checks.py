"""What must hold about bills: numbers without gaps, sums that are those of the ledger, payments that were made."""

from billing.queries.checks import Check

BILL_CHECKS = [
    Check(
        "bill numbers have no gaps",
        "each year's bills are numbered from 1 to as many as there are",
        """
        SELECT format('%%s has %%s bills, the last is number %%s, the series stands at %%s', s.year, count(b.id),
                      max(b.number), s.last)
        FROM bill_series s LEFT JOIN bill b USING (year)
        GROUP BY s.year, s.last
        HAVING count(b.id) <> s.last OR max(b.number) IS DISTINCT FROM s.last OR min(b.number) <> 1
        ORDER BY s.year LIMIT 1
        """,
    ),
    Check(
        "bills add up",
        "each bill is the sum of its lines, with what was brought forward from the one before",
        """
        SELECT format('bill %%s: its lines owe %%s and are taxed %%s, it says %%s and %%s, after %%s', b.id, l.owed,
                      l.tax, b.owed_usd, b.tax_usd, b.before)
        FROM (SELECT *, coalesce(lag(due_usd) OVER (PARTITION BY owner_id ORDER BY period_end), 0) AS before FROM bill)
             AS b
        LEFT JOIN (SELECT bill_id, sum(owed_usd) AS owed, sum(tax_usd) AS tax, sum(taxable_usd) AS taxable
                   FROM bill_line GROUP BY bill_id) AS l ON l.bill_id = b.id
        WHERE (b.owed_usd, b.tax_usd, b.taxable_usd, b.brought_forward_usd)
              IS DISTINCT FROM (l.owed, l.tax, l.taxable, b.before)
        ORDER BY b.id LIMIT 1
        """,
    ),
    Check(
        "bills are what the ledger says",
        "each person's newest bill is due over what she owed when its period ended, with the tax of her bills",
        """
        SELECT format('bill %%s is due over %%s, the ledger says %%s', b.id, b.due_usd, coalesce(-e.sum, 0))
        FROM (SELECT DISTINCT ON (owner_id) * FROM bill ORDER BY owner_id, period_end DESC) AS b
        JOIN account a ON a.owner_id = b.owner_id AND a.purpose = 'receivable'
        CROSS JOIN LATERAL (
            SELECT sum(e.amount) FROM entry e JOIN journal j ON j.id = e.journal_id
            WHERE e.account_id = a.id AND (j.kind = 'tax_charged' OR j.effective_at < b.period_end)
        ) AS e
        WHERE b.due_usd <> coalesce(-e.sum, 0) ORDER BY b.id LIMIT 1
        """,
    ),
    Check(
        "taxes are on bills",
        "each bill's tax was charged by one journal, and no tax by any other",
        """
        SELECT format('bill %%s with %%s of tax, journal %%s with %%s', b.id, b.tax_usd, j.id, j.sum)
        FROM (SELECT j.id, sum(p.amount) FROM journal j JOIN posting p ON p.journal_id = j.id
              WHERE j.kind = 'tax_charged' GROUP BY j.id) AS j
        FULL JOIN (SELECT * FROM bill WHERE tax_usd > 0 OR journal_id IS NOT NULL) AS b ON b.journal_id = j.id
        WHERE j.sum IS DISTINCT FROM b.tax_usd ORDER BY b.id LIMIT 1
        """,
    ),
    Check(
        "tokens were exchanged at their rate",
        "each exchange gave the tokens that its dollars buy at the rate it states",
        """
        SELECT format('journal %%s: %%s USD for %%s EAML at %%s', j.id, usd.amount, eaml.amount,
                      j.details ->> 'usd_per_eaml')
        FROM journal j
        LEFT JOIN posting usd ON usd.journal_id = j.id AND usd.currency = 'USD'
        LEFT JOIN posting eaml ON eaml.journal_id = j.id AND eaml.currency = 'EAML'
        WHERE j.kind = 'tokens_bought'
              AND (eaml.amount * (j.details ->> 'usd_per_eaml')::numeric <= usd.amount
                   AND (eaml.amount + 0.00000001) * (j.details ->> 'usd_per_eaml')::numeric > usd.amount) IS NOT true
        ORDER BY j.id LIMIT 1
        """,
    ),
]
