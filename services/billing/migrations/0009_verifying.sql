-- 1. What an account had at a moment. An account's postings have growing ids and, since its balance row is locked while
-- they are recorded, growing times of recording: so a moment is found among millions by halving, on the indices that
-- there are. The largest id of the account's postings that were recorded until `moment`; 0 when none was.
-- Account and id are compared together, which only the index over both can do: the planner would otherwise now and then
-- walk along all postings for the next one of an account that has few.
CREATE FUNCTION ledger_last_posting(account uuid, moment timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    known_in_time bigint := 0;
    known_late bigint;
    middle bigint;
    probe record;
BEGIN
    SELECT greatest(
        (SELECT id FROM posting WHERE (debit_account_id, id) >= (account, 0)
         AND (debit_account_id, id) <= (account, 9223372036854775807)
         ORDER BY debit_account_id DESC, id DESC LIMIT 1),
        (SELECT id FROM posting WHERE (credit_account_id, id) >= (account, 0)
         AND (credit_account_id, id) <= (account, 9223372036854775807)
         ORDER BY credit_account_id DESC, id DESC LIMIT 1)) + 1 INTO known_late;
    middle := known_late - 1;
    WHILE known_in_time + 1 < known_late LOOP
        SELECT place.id, journal.recorded_at INTO probe FROM (
            (SELECT id, journal_id FROM posting WHERE (debit_account_id, id) >= (account, middle)
             AND (debit_account_id, id) < (account, known_late) ORDER BY debit_account_id, id LIMIT 1)
            UNION ALL
            (SELECT id, journal_id FROM posting WHERE (credit_account_id, id) >= (account, middle)
             AND (credit_account_id, id) < (account, known_late) ORDER BY credit_account_id, id LIMIT 1)
            ORDER BY id LIMIT 1
        ) AS place CROSS JOIN LATERAL (SELECT recorded_at FROM journal WHERE id = place.journal_id OFFSET 0) AS journal;
        IF probe.id IS NULL OR probe.recorded_at > moment THEN
            known_late := middle;
        ELSE
            known_in_time := probe.id;
        END IF;
        middle := (known_in_time + known_late) / 2;
    END LOOP;
    RETURN known_in_time;
END;
$$;

-- The account's balance after that posting.
CREATE FUNCTION ledger_balance_after(account uuid, place bigint) RETURNS numeric
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT CASE WHEN debit_account_id = account THEN debit_after ELSE credit_after END
                     FROM posting WHERE id = place), 0)
$$;

-- 2. Journals that took effect more than a minute before or after they were recorded, by the time between. There are few,
-- so the index costs nothing to keep; the others took effect within a minute of their place in the order.
CREATE INDEX journal_out_of_time ON journal
    USING gist (tstzrange(least(effective_at, recorded_at), greatest(effective_at, recorded_at), '[]'))
    WHERE recorded_at - effective_at NOT BETWEEN interval '-1 minute' AND interval '1 minute';

-- What had taken effect until `effective`, as far as it was recorded until `recorded`: the balance a minute before, what
-- came in that minute and the next, what was recorded later though it took effect before, less what was recorded before
-- though it took effect later.
CREATE FUNCTION ledger_balance_at(account uuid, effective timestamptz, recorded timestamptz) RETURNS numeric
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before CONSTANT bigint := ledger_last_posting(account, least(recorded, effective - interval '1 minute'));
    near CONSTANT bigint := ledger_last_posting(account, least(recorded, effective + interval '1 minute'));
    last CONSTANT bigint := ledger_last_posting(account, recorded);
    about numeric;
    out_of_time numeric;
BEGIN
    IF last = 0 THEN
        RETURN 0;
    END IF;
    SELECT coalesce(sum(side.amount), 0) INTO about FROM (
        SELECT journal_id, -amount AS amount FROM posting
        WHERE (debit_account_id, id) > (account, before) AND (debit_account_id, id) <= (account, near)
        UNION ALL
        SELECT journal_id, amount FROM posting
        WHERE (credit_account_id, id) > (account, before) AND (credit_account_id, id) <= (account, near)
    ) AS side
    CROSS JOIN LATERAL (SELECT effective_at FROM journal WHERE id = side.journal_id OFFSET 0) AS journal
    WHERE journal.effective_at <= effective;
    -- EXECUTE, so that it is planned for this moment: few or many may be out of time there.
    EXECUTE $query$
        SELECT coalesce(sum(CASE WHEN posting.credit_account_id = $1 THEN amount ELSE -amount END
                            * CASE WHEN posting.id > $3 THEN 1 ELSE -1 END), 0)
        FROM journal JOIN posting ON posting.journal_id = journal.id
        WHERE tstzrange(least(effective_at, recorded_at), greatest(effective_at, recorded_at), '[]') @> $2
          AND recorded_at - effective_at NOT BETWEEN interval '-1 minute' AND interval '1 minute'
          AND (debit_account_id = $1 OR credit_account_id = $1)
          AND ((effective_at <= $2 AND posting.id > $3 AND posting.id <= $4)
               OR (effective_at > $2 AND posting.id <= $5))
    $query$ INTO out_of_time USING account, effective, near, last, before;
    RETURN ledger_balance_after(account, before) + about + out_of_time;
END;
$$;

-- 3. Who verified the ledger when, and what was found, stays as it was written.
CREATE TRIGGER verification_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON verification
    FOR EACH STATEMENT EXECUTE FUNCTION only_grows();
ALTER TABLE verification ENABLE ALWAYS TRIGGER verification_only_grows;
