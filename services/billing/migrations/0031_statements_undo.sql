DROP VIEW turnover;
DROP FUNCTION lines_after(uuid, bigint);
DROP VIEW entry_line;
DROP VIEW entry;
CREATE VIEW entry AS
    SELECT id * 2 AS id, journal_id, debit_account_id AS account_id, credit_account_id AS counter_account_id,
           currency, -amount AS amount, debit_after AS balance
    FROM posting
    UNION ALL
    SELECT id * 2 + 1, journal_id, credit_account_id, debit_account_id, currency, amount, credit_after
    FROM posting;
