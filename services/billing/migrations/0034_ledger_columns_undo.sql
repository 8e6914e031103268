ALTER TABLE balance RESET (fillfactor);
ALTER TABLE party RESET (fillfactor);
DROP FUNCTION ledger_write(json, text[], text[], text[], text[]);
DROP FUNCTION ledger_move(text[], json, json);

CREATE FUNCTION ledger_write(page json) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    quotes json;
    operations json;
    journals json;
    postings json;
    lots json;
    holds json;
    hold_parts json;
    resolutions json;
    lot_uses json;
    usages json;
    declined json;
BEGIN
    SELECT p.quotes, p.operations, p.journals, p.postings, p.lots, p.holds, p.hold_parts, p.resolutions, p.lot_uses,
           p.usages, p.declined
    INTO quotes, operations, journals, postings, lots, holds, hold_parts, resolutions, lot_uses, usages, declined
    FROM json_to_record(page) AS p(quotes json, operations json, journals json, postings json, lots json, holds json,
                                   hold_parts json, resolutions json, lot_uses json, usages json, declined json);
    IF quotes IS NOT NULL THEN
        INSERT INTO quote SELECT * FROM json_populate_recordset(NULL::quote, quotes);
    END IF;
    IF operations IS NOT NULL THEN
        INSERT INTO operation SELECT * FROM json_populate_recordset(NULL::operation, operations);
    END IF;
    IF journals IS NOT NULL THEN
        INSERT INTO journal (id, source, idempotency_key, request_hash, kind, effective_at, recorded_at, reverses_id,
                             operation_id, details)
        SELECT id, source, idempotency_key, request_hash, kind, effective_at, clock_timestamp(), reverses_id,
               operation_id, details
        FROM json_populate_recordset(NULL::journal, journals) ORDER BY source, idempotency_key;
    END IF;
    IF lots IS NOT NULL THEN
        INSERT INTO coupon_lot SELECT * FROM json_populate_recordset(NULL::coupon_lot, lots);
    END IF;
    IF holds IS NOT NULL THEN
        INSERT INTO hold SELECT * FROM json_populate_recordset(NULL::hold, holds);
    END IF;
    IF hold_parts IS NOT NULL THEN
        INSERT INTO hold_part (hold_id, account_id, lot_id, currency, amount)
        SELECT hold_id, account_id, lot_id, currency, amount
        FROM json_populate_recordset(NULL::hold_part, hold_parts);
    END IF;
    IF resolutions IS NOT NULL THEN
        INSERT INTO hold_resolution SELECT * FROM json_populate_recordset(NULL::hold_resolution, resolutions);
    END IF;
    IF lot_uses IS NOT NULL THEN
        INSERT INTO lot_use (lot_id, journal_id, amount)
        SELECT lot_id, journal_id, amount FROM json_populate_recordset(NULL::lot_use, lot_uses);
    END IF;
    IF usages IS NOT NULL THEN
        INSERT INTO usage SELECT * FROM json_populate_recordset(NULL::usage, usages) ON CONFLICT DO NOTHING;
    END IF;
    IF declined IS NOT NULL THEN
        INSERT INTO declined_work SELECT * FROM json_populate_recordset(NULL::declined_work, declined);
    END IF;
    IF lot_uses IS NOT NULL OR hold_parts IS NOT NULL OR resolutions IS NOT NULL THEN
        PERFORM ledger_move_lots(page);
    END IF;
    PERFORM ledger_move(postings, hold_parts, resolutions);
END;
$$;

CREATE FUNCTION ledger_move(postings json, hold_parts json, resolutions json) RETURNS void
    LANGUAGE plpgsql SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    WITH move AS MATERIALIZED (
        SELECT place, journal_id, seq, debit, credit, currency, amount
        FROM json_to_recordset(postings) AS move(place int, journal_id uuid, seq smallint, debit uuid, credit uuid,
                                                 currency text, amount numeric)
    ), side AS (
        SELECT place, debit AS account_id, -amount AS amount, false AS is_credit FROM move
        UNION ALL SELECT place, credit, amount, true FROM move
    ), delta AS (
        SELECT account_id, sum(posted) AS posted, sum(held) AS held
        FROM (
            SELECT account_id, amount AS posted, 0 AS held FROM side
            UNION ALL
            SELECT account_id, 0, amount
            FROM json_to_recordset(hold_parts) AS part(account_id uuid, amount numeric)
            UNION ALL
            SELECT account_id, 0, -amount
            FROM hold_part JOIN json_to_recordset(resolutions) AS ended(hold_id uuid) USING (hold_id)
        ) AS moved
        GROUP BY account_id ORDER BY account_id
    ), changed AS (
        UPDATE balance SET posted = balance.posted + delta.posted, held = balance.held + delta.held
        FROM delta WHERE balance.account_id = delta.account_id
        RETURNING balance.account_id, balance.posted - delta.posted AS before
    ), run AS (
        SELECT place, is_credit,
               before + sum(amount) OVER (PARTITION BY account_id ORDER BY place, is_credit) AS after
        FROM side JOIN changed USING (account_id)
    )
    INSERT INTO posting (journal_id, seq, debit_account_id, credit_account_id, currency, amount, debit_after,
                         credit_after)
    SELECT journal_id, seq, debit, credit, currency, amount, debited.after, credited.after
    FROM move
    LEFT JOIN run AS debited ON debited.place = move.place AND NOT debited.is_credit
    LEFT JOIN run AS credited ON credited.place = move.place AND credited.is_credit
    ORDER BY move.place;
END;
$$;

CREATE OR REPLACE FUNCTION journal_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted LEFT JOIN operation ON operation.id = inserted.operation_id
               WHERE inserted.operation_id IS NOT NULL AND operation.id IS NULL) THEN
        RAISE EXCEPTION 'a journal of an operation that is not there'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'journal_operation_exists';
    END IF;
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION usage_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted LEFT JOIN journal ON journal.id = inserted.journal_id WHERE journal.id IS NULL) THEN
        RAISE EXCEPTION 'a usage of a journal that is not there'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'usage_journal_exists';
    END IF;
    RETURN NULL;
END;
$$;

CREATE OR REPLACE FUNCTION posting_fits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT new_posting.id, new_posting.currency, debit.currency AS debit_currency, credit.currency AS credit_currency
    INTO wrong
    FROM inserted AS new_posting
    LEFT JOIN account AS debit ON debit.id = new_posting.debit_account_id
    LEFT JOIN account AS credit ON credit.id = new_posting.credit_account_id
    WHERE debit.currency IS DISTINCT FROM new_posting.currency OR credit.currency IS DISTINCT FROM new_posting.currency
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'posting in % between accounts in % and %', wrong.currency,
            coalesce(wrong.debit_currency, 'none'), coalesce(wrong.credit_currency, 'none')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'posting_currency_fits';
    END IF;

    PERFORM 1 FROM inserted AS new_posting
    LEFT JOIN journal ON journal.id = new_posting.journal_id
    WHERE journal.sealed_by IS DISTINCT FROM pg_current_xact_id()
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a journal takes postings only in the transaction that made it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_is_sealed';
    END IF;
    RETURN NULL;
END;
$$;
