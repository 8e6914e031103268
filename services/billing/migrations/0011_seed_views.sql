-- The names that the first design gave to money, answered by the ledger. Amounts are positive; what came minus what went
-- is the balance that goes by the same name.

-- 1. Dollars and tokens that came into and went out of people's wallets.
CREATE VIEW wallet_entry AS
    SELECT md5('entry ' || e.id)::uuid AS uuid, e.posting_id AS entry_id, e.account_id, a.owner_id AS user_id, a.currency,
           j.recorded_at AS date_time, e.amount, e.journal_id, j.operation_id
    FROM account AS a
    JOIN entry AS e ON e.account_id = a.id
    JOIN journal AS j ON j.id = e.journal_id
    WHERE a.purpose = 'wallet';
CREATE VIEW credit AS
    SELECT uuid, entry_id, account_id, user_id, date_time, amount, journal_id, operation_id
    FROM wallet_entry WHERE currency = 'USD' AND amount > 0;
CREATE VIEW debit AS
    SELECT uuid, entry_id, account_id, user_id, date_time, -amount AS amount, journal_id, operation_id
    FROM wallet_entry WHERE currency = 'USD' AND amount < 0;
CREATE VIEW credit_ixioo AS
    SELECT uuid, entry_id, account_id, user_id, date_time, amount, journal_id, operation_id
    FROM wallet_entry WHERE currency = 'EAML' AND amount > 0;
CREATE VIEW debit_ixioo AS
    SELECT uuid, entry_id, account_id, user_id, date_time, -amount AS amount, journal_id, operation_id
    FROM wallet_entry WHERE currency = 'EAML' AND amount < 0;

-- 2. The flat row of the time before operations: one for whoever paid and one for whoever earned, so that neither reads
-- the other's figures. Prices in tokens are shown in dollars at the rate that the operation itself was charged by.
CREATE VIEW billing AS
    WITH charged AS NOT MATERIALIZED (
        SELECT o.*, j.id AS journal_id, j.recorded_at,
               round((j.details ->> 'price_eaml')::numeric * (j.details ->> 'usd_per_eaml')::numeric, 8) AS price_usd,
               (j.details ->> 'market_gross_usd')::numeric AS gross_usd
        FROM operation AS o JOIN journal AS j ON j.operation_id = o.id
    )
    SELECT md5('paid ' || id)::uuid AS uuid, id AS operation_id, operation_user_id AS user_id, machine_id,
           recorded_at AS date_time,
           CASE kind WHEN 'training' THEN count_of_lines END AS "CountOfLinesTraining",
           CASE kind WHEN 'training' THEN count_of_training_epoch END AS "CountOfTrainingEpoch",
           CASE kind WHEN 'training' THEN price_usd END AS "TrainingCostMachineUSD",
           CASE kind WHEN 'solving' THEN count_of_lines END AS "CountOfLinesSolvedOwner",
           CASE kind WHEN 'solving' THEN price_usd END AS "SolvingCostMachineUSD",
           CASE WHEN kind LIKE 'solving_with_api%' THEN count_of_lines END AS "CountOfLinesSolvedAPI",
           CASE WHEN kind LIKE 'solving_with_api%' THEN price_usd + coalesce(gross_usd, 0) END
               AS "SolvingCostMachineAPI_Total_USD",
           NULL::numeric AS "SolvingAPIIncomeUSD",
           NULL::numeric AS "MachineBuyDataSourceIncomeUSD",
           NULL::numeric AS "MachineCopyCostIncomeUSD",
           NULL::numeric AS "MachineCopyUpdateIncomeUSD",
           CASE kind WHEN 'pay_a_bill' THEN
               (SELECT sum(amount) FROM posting WHERE posting.journal_id = charged.journal_id) END AS "CreditFromIxioo",
           CASE kind WHEN 'credit_from_user' THEN
               (SELECT sum(amount) FROM posting WHERE posting.journal_id = charged.journal_id) END AS "CreditFromUser"
    FROM charged
    UNION ALL
    SELECT md5('earned ' || o.id)::uuid, o.id, a.owner_id, o.machine_id, j.recorded_at, NULL, NULL, NULL, NULL, NULL,
           CASE o.kind WHEN 'solving_with_api_market' THEN o.count_of_lines END, NULL,
           CASE o.kind WHEN 'solving_with_api_market' THEN sum(p.amount) END,
           CASE o.kind WHEN 'buy_data_source' THEN sum(p.amount) END,
           CASE o.kind WHEN 'machine_copy' THEN sum(p.amount) END,
           CASE o.kind WHEN 'machine_copy_update' THEN sum(p.amount) END,
           NULL, NULL
    FROM account AS a
    JOIN posting AS p ON p.credit_account_id = a.id
    JOIN journal AS j ON j.id = p.journal_id
    JOIN operation AS o ON o.id = j.operation_id
    WHERE a.purpose = 'seller_payable' AND o.machine_owner_id = a.owner_id
    GROUP BY o.id, a.owner_id, j.recorded_at;
