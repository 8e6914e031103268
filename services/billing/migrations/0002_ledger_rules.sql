-- What the ledger promises is held here, where no code path can go around it.

-- 1. One side of a posting, as a statement shows it. The id orders an owner's entries as they were written.
CREATE VIEW entry AS
    SELECT id * 2 AS id, journal_id, debit_account_id AS account_id, credit_account_id AS counter_account_id,
           currency, -amount AS amount, debit_after AS balance
    FROM posting
    UNION ALL
    SELECT id * 2 + 1, journal_id, credit_account_id, debit_account_id, currency, amount, credit_after
    FROM posting;

-- 2. A journal is sealed when its transaction ends: `sealed_by` is that transaction, and postings must come from it.
ALTER TABLE journal ADD COLUMN sealed_by xid8 NOT NULL DEFAULT pg_current_xact_id();

-- One check a statement, not one a row: both accounts exist, have the posting's currency, and the journal is open.
CREATE FUNCTION posting_fits() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER posting_fits AFTER INSERT ON posting
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION posting_fits();

-- ALWAYS, here and below: session_replication_role = replica must not switch a rule off.
ALTER TABLE posting ENABLE ALWAYS TRIGGER posting_fits;

-- 3. What has been written stays as it was written.
CREATE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END;
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['account', 'journal', 'posting', 'operation', 'usage', 'price_list', 'quote', 'hold',
                                'hold_part', 'hold_resolution', 'lot_use', 'declined_work']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION only_grows()', name || '_only_grows', name);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', name, name || '_only_grows');
    END LOOP;
END;
$$;

-- 4. NUMERIC knows a value that is greater than every number; it is no amount.
ALTER TABLE posting ADD CONSTRAINT amount_is_a_number CHECK (amount <> 'NaN');
