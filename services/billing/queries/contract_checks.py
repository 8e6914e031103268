"""What must hold about consulting contracts: escrow is exactly what the running ones have set aside."""

from billing.queries.checks import Check

CONTRACT_CHECKS = [
    Check(
        "escrow is the open contracts",
        "what each person has in escrow is the sum of her running contracts",
        """
        SELECT format('person %%s has %%s in escrow, her running contracts sum to %%s', owner_id,
                      coalesce(b.posted, 0), coalesce(c.sum, 0))
        FROM (SELECT owner_id, posted FROM balance JOIN account ON account.id = account_id
              WHERE purpose = 'escrow') AS b
        FULL JOIN (SELECT user_id AS owner_id, sum(amount_usd) FROM consulting_request WHERE status = 'contract'
                   GROUP BY user_id) AS c USING (owner_id)
        WHERE coalesce(b.posted, 0) <> coalesce(c.sum, 0) ORDER BY owner_id LIMIT 1
        """,
        table="consulting_request",
    ),
    Check(
        "contracts have their journals",
        "each contract was signed by one journal over its amount and ended by one over the same",
        """
        SELECT format('contract %%s over %%s, %%s: signed over %%s, ended over %%s', c.id, c.amount_usd, c.status,
                      s.sum, e.sum)
        FROM consulting_request c
        LEFT JOIN LATERAL (SELECT sum(p.amount) FROM posting p JOIN journal j ON j.id = p.journal_id
                           WHERE p.journal_id = c.signed_journal_id AND j.kind = 'contract_signed') AS s ON true
        LEFT JOIN LATERAL (SELECT sum(p.amount) FROM posting p JOIN journal j ON j.id = p.journal_id
                           WHERE p.journal_id = c.ended_journal_id
                                 AND j.kind IN ('contract_finished', 'contract_cancelled')) AS e ON true
        WHERE c.signed_journal_id IS NOT NULL AND (s.sum IS DISTINCT FROM c.amount_usd
              OR (c.status <> 'contract' AND e.sum IS DISTINCT FROM c.amount_usd))
        ORDER BY c.id LIMIT 1
        """,
        table="consulting_request",
    ),
    Check(
        "contract journals have their contract",
        "each journal of a contract is the one that its contract names",
        """
        SELECT format('journal %%s (%%s) belongs to no contract', j.id, j.kind)
        FROM journal j LEFT JOIN consulting_request c ON j.id IN (c.signed_journal_id, c.ended_journal_id)
        WHERE j.kind IN ('contract_signed', 'contract_finished', 'contract_cancelled') AND c.id IS NULL
        ORDER BY j.id LIMIT 1
        """,
        table="consulting_request",
    ),
]
