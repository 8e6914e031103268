DROP TRIGGER usage_fits ON usage;
DROP FUNCTION usage_fits();
DROP TRIGGER journal_fits ON journal;
DROP FUNCTION journal_fits();
DROP FUNCTION ledger_move(json, json, json);

CREATE FUNCTION ledger_move_balances(page json) RETURNS void
    LANGUAGE sql SET search_path = public, pg_temp AS $$
    UPDATE balance SET posted = balance.posted + delta.posted, held = balance.held + delta.held
    FROM (
        SELECT account_id, sum(posted) AS posted, sum(held) AS held
        FROM (
            SELECT debit AS account_id, -amount AS posted, 0 AS held
            FROM json_to_recordset(page -> 'postings') AS move(debit uuid, amount numeric)
            UNION ALL
            SELECT credit, amount, 0 FROM json_to_recordset(page -> 'postings') AS move(credit uuid, amount numeric)
            UNION ALL
            SELECT account_id, 0, amount
            FROM json_to_recordset(page -> 'hold_parts') AS part(account_id uuid, amount numeric)
            UNION ALL
            SELECT account_id, 0, -amount
            FROM hold_part JOIN json_to_recordset(page -> 'resolutions') AS ended(hold_id uuid) USING (hold_id)
        ) AS moved
        GROUP BY account_id
    ) AS delta
    WHERE balance.account_id = delta.account_id;
$$;

CREATE OR REPLACE FUNCTION ledger_write(page json) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    postings CONSTANT json := page -> 'postings';
BEGIN
    PERFORM FROM balance WHERE account_id IN (
        SELECT debit FROM json_to_recordset(postings) AS move(debit uuid)
        UNION SELECT credit FROM json_to_recordset(postings) AS move(credit uuid)
        UNION SELECT account_id FROM json_to_recordset(page -> 'hold_parts') AS part(account_id uuid)
        UNION SELECT account_id FROM hold_part JOIN json_to_recordset(page -> 'resolutions') AS ended(hold_id uuid)
            USING (hold_id)
    ) ORDER BY account_id FOR UPDATE;

    INSERT INTO quote SELECT * FROM json_populate_recordset(NULL::quote, page -> 'quotes');
    INSERT INTO operation SELECT * FROM json_populate_recordset(NULL::operation, page -> 'operations');
    INSERT INTO journal (id, source, idempotency_key, request_hash, kind, effective_at, recorded_at, reverses_id,
                         operation_id, details)
    SELECT id, source, idempotency_key, request_hash, kind, effective_at, clock_timestamp(), reverses_id,
           operation_id, details
    FROM json_populate_recordset(NULL::journal, page -> 'journals') ORDER BY source, idempotency_key;

    WITH move AS (
        SELECT place, journal_id, seq, debit, credit, currency, amount
        FROM json_to_recordset(postings) AS move(place int, journal_id uuid, seq smallint, debit uuid, credit uuid,
                                                 currency text, amount numeric)
    ), side AS (
        SELECT place, debit AS account_id, -amount AS amount, false AS is_credit FROM move
        UNION ALL SELECT place, credit, amount, true FROM move
    ), run AS (
        SELECT place, is_credit,
               posted + sum(amount) OVER (PARTITION BY account_id ORDER BY place, is_credit) AS after
        FROM side JOIN balance USING (account_id)
    )
    INSERT INTO posting (journal_id, seq, debit_account_id, credit_account_id, currency, amount, debit_after,
                         credit_after)
    SELECT journal_id, seq, debit, credit, currency, amount, debited.after, credited.after
    FROM move
    LEFT JOIN run AS debited ON debited.place = move.place AND NOT debited.is_credit
    LEFT JOIN run AS credited ON credited.place = move.place AND credited.is_credit
    ORDER BY move.place;

    INSERT INTO coupon_lot SELECT * FROM json_populate_recordset(NULL::coupon_lot, page -> 'lots');
    INSERT INTO hold SELECT * FROM json_populate_recordset(NULL::hold, page -> 'holds');
    INSERT INTO hold_part (hold_id, account_id, lot_id, currency, amount)
    SELECT hold_id, account_id, lot_id, currency, amount
    FROM json_populate_recordset(NULL::hold_part, page -> 'hold_parts');
    INSERT INTO hold_resolution SELECT * FROM json_populate_recordset(NULL::hold_resolution, page -> 'resolutions');
    INSERT INTO lot_use (lot_id, journal_id, amount)
    SELECT lot_id, journal_id, amount FROM json_populate_recordset(NULL::lot_use, page -> 'lot_uses');
    INSERT INTO usage SELECT * FROM json_populate_recordset(NULL::usage, page -> 'usages') ON CONFLICT DO NOTHING;
    INSERT INTO declined_work SELECT * FROM json_populate_recordset(NULL::declined_work, page -> 'declined');

    PERFORM ledger_move_balances(page);
    PERFORM ledger_move_lots(page);
END;
$$;
