-- The only ways into the ledger. They run as the ledger's owner; the application may call them and read, nothing else.
-- Whatever can be worked out is worked out here: balances, what is held, what remains of a coupon. A caller that is wrong
-- about them is refused by the CHECKs on the rows, or simply not asked.

-- 1. Accounts, with their balance rows where they have one.
CREATE FUNCTION ledger_open(accounts json) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO account (id, owner_id, purpose, currency, floor, created_at)
    SELECT id, owner_id, purpose, currency, floor, clock_timestamp()
    FROM json_to_recordset(accounts) AS wanted(id uuid, owner_id uuid, purpose text, currency text, floor numeric)
    ORDER BY id
    ON CONFLICT DO NOTHING;
    INSERT INTO balance (account_id, posted, held, floor)
    SELECT wanted.id, 0, 0, account.floor
    FROM json_to_recordset(accounts) AS wanted(id uuid, has_balance boolean) JOIN account USING (id)
    WHERE wanted.has_balance ORDER BY id
    ON CONFLICT DO NOTHING;
END;
$$;

-- 2. One page: everything that a command or a batch of events writes, in a handful of statements however much it is. What
-- every usage has (an operation, a journal, postings, its event) comes as columns: one array each, in the order of the
-- lists below. Reading the same rows as JSON cost twice as much. What few pages have comes as JSON; what a page lacks
-- costs nothing.
-- Balances are moved last: the balance of somebody who is only paid is locked by the page that pays her, not before, so
-- that two consumers whose people buy of the same seller wait for the end of a page and not for the whole of it.
CREATE FUNCTION ledger_write(page json, operations text[], journals text[], postings text[], usages text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    quotes json;
    lots json;
    holds json;
    hold_parts json;
    resolutions json;
    lot_uses json;
    told_again json;
    declined json;
BEGIN
    IF page IS NOT NULL THEN
        SELECT p.quotes, p.lots, p.holds, p.hold_parts, p.resolutions, p.lot_uses, p.told_again, p.declined
        INTO quotes, lots, holds, hold_parts, resolutions, lot_uses, told_again, declined
        FROM json_to_record(page) AS p(quotes json, lots json, holds json, hold_parts json, resolutions json,
                                       lot_uses json, told_again json, declined json);
    END IF;
    IF quotes IS NOT NULL THEN
        INSERT INTO quote SELECT * FROM json_populate_recordset(NULL::quote, quotes);
    END IF;
    IF operations IS NOT NULL THEN
        INSERT INTO operation (id, kind, machine_id, machine_name, machine_owner_id, operation_user_id, work_id,
                               quote_id, count_of_lines, count_of_training_epoch, columns, level, date_time)
        SELECT * FROM unnest(
            operations[1]::uuid[], operations[2]::text[], operations[3]::uuid[], operations[4]::text[],
            operations[5]::uuid[], operations[6]::uuid[], operations[7]::uuid[], operations[8]::uuid[],
            operations[9]::bigint[], operations[10]::bigint[], operations[11]::bigint[], operations[12]::int[],
            operations[13]::timestamptz[]);
    END IF;
    IF journals IS NOT NULL THEN
        INSERT INTO journal (id, source, idempotency_key, request_hash, kind, effective_at, recorded_at, reverses_id,
                             operation_id, details)
        SELECT id, source, idempotency_key, request_hash, kind, effective_at, clock_timestamp(), reverses_id,
               operation_id, details
        FROM unnest(
            journals[1]::uuid[], journals[2]::text[], journals[3]::text[], journals[4]::text[], journals[5]::text[],
            journals[6]::timestamptz[], journals[7]::uuid[], journals[8]::uuid[], journals[9]::jsonb[])
            AS new(id, source, idempotency_key, request_hash, kind, effective_at, reverses_id, operation_id, details)
        ORDER BY source, idempotency_key;
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
    -- Events of journals of this page: an event that was received before led to a journal that was there before.
    IF usages IS NOT NULL THEN
        INSERT INTO usage (event_id, type, journal_id, work_id, occurred_at)
        SELECT * FROM unnest(usages[1]::uuid[], usages[2]::text[], usages[3]::uuid[], usages[4]::uuid[],
                             usages[5]::timestamptz[]);
    END IF;
    IF told_again IS NOT NULL THEN
        INSERT INTO usage SELECT * FROM json_populate_recordset(NULL::usage, told_again) ON CONFLICT DO NOTHING;
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

-- 3. Each balance once, in the order of ids (two pages that met on two balances in different orders would wait for each
-- other), and the postings with what their accounts had after each. `= ANY` of one id: no hash or merge join can be made
-- of that, which would change the balances in the order of the table.
CREATE FUNCTION ledger_move(postings text[], hold_parts json, resolutions json) RETURNS void
    LANGUAGE plpgsql SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    WITH move AS MATERIALIZED (
        SELECT * FROM unnest(
            postings[1]::uuid[], postings[2]::smallint[], postings[3]::uuid[], postings[4]::uuid[], postings[5]::text[],
            postings[6]::numeric[])
            WITH ORDINALITY AS move(journal_id, seq, debit, credit, currency, amount, place)
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
        FROM delta WHERE balance.account_id = ANY (ARRAY[delta.account_id])
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

CREATE FUNCTION ledger_move_lots(page json) RETURNS void
    LANGUAGE sql SET search_path = public, pg_temp AS $$
    UPDATE coupon_lot SET remaining = coupon_lot.remaining - delta.used, held = coupon_lot.held + delta.held
    FROM (
        SELECT lot_id, sum(used) AS used, sum(held) AS held
        FROM (
            SELECT lot_id, amount AS used, 0 AS held
            FROM json_to_recordset(page -> 'lot_uses') AS taken(lot_id uuid, amount numeric)
            UNION ALL
            SELECT lot_id, 0, amount FROM json_to_recordset(page -> 'hold_parts') AS part(lot_id uuid, amount numeric)
            UNION ALL
            SELECT lot_id, 0, -amount
            FROM hold_part JOIN json_to_recordset(page -> 'resolutions') AS ended(hold_id uuid) USING (hold_id)
        ) AS moved
        WHERE lot_id IS NOT NULL GROUP BY lot_id
    ) AS delta
    WHERE coupon_lot.id = delta.lot_id;
$$;

-- 4. A price list is part of the ledger: quotes refer to it for ever.
CREATE FUNCTION ledger_publish_prices(list json) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO price_list SELECT * FROM json_populate_record(NULL::price_list, list)
$$;
