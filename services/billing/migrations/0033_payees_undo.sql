DROP INDEX reversed_once;
ALTER TABLE journal ADD CONSTRAINT journal_reverses_id_key UNIQUE (reverses_id);

CREATE OR REPLACE FUNCTION ledger_write(page json) RETURNS void
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
    PERFORM ledger_move(postings, hold_parts, resolutions);
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
END;
$$;
