-- What the ledger promises is held here, where no code path can go around it.

-- 1. What has been written stays as it was written. ENABLE ALWAYS, here and below: session_replication_role = replica must
-- not switch a rule off.
CREATE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END;
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['account', 'journal', 'operation', 'usage', 'price_list', 'quote', 'hold',
                                'hold_part', 'hold_resolution', 'lot_use', 'declined_work']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION only_grows()', name || '_only_grows', name);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', name, name || '_only_grows');
    END LOOP;
END;
$$;

-- 2. A journal is sealed when its transaction ends: `sealed_by` is that transaction, and postings must come from it.
ALTER TABLE journal ADD COLUMN sealed_by xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX journal_by_transaction ON journal (sealed_by, id);

-- Most journals reverse nothing: an index that holds an entry for each of them would only be written.
ALTER TABLE journal DROP CONSTRAINT journal_reverses_id_key;
CREATE UNIQUE INDEX reversed_once ON journal (reverses_id) WHERE reverses_id IS NOT NULL;

-- One check a statement, not one a row at COMMIT: what a journal belongs to and what it reverses exists.
CREATE FUNCTION journal_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted LEFT JOIN operation ON operation.id = inserted.operation_id
               WHERE inserted.operation_id IS NOT NULL AND operation.id IS NULL) THEN
        RAISE EXCEPTION 'a journal of an operation that is not there'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'journal_operation_exists';
    END IF;
    IF EXISTS (SELECT FROM inserted LEFT JOIN journal AS reversed ON reversed.id = inserted.reverses_id
               WHERE inserted.reverses_id IS NOT NULL AND reversed.id IS NULL) THEN
        RAISE EXCEPTION 'a journal that reverses one that is not there'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'journal_reversed_exists';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER journal_fits AFTER INSERT ON journal
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION journal_fits();
ALTER TABLE journal ENABLE ALWAYS TRIGGER journal_fits;

-- Mostly its journal is of this transaction as well; one by one are looked for only those that are not.
CREATE FUNCTION usage_fits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inserted
               WHERE journal_id NOT IN (SELECT id FROM journal WHERE sealed_by = pg_current_xact_id())
                     AND NOT EXISTS (SELECT FROM journal WHERE journal.id = inserted.journal_id)) THEN
        RAISE EXCEPTION 'a usage of a journal that is not there'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'usage_journal_exists';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER usage_fits AFTER INSERT ON usage
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION usage_fits();
ALTER TABLE usage ENABLE ALWAYS TRIGGER usage_fits;

-- 3. Postings by month of their journal's id, which begins with the milliseconds of its cause: a month can be moved to
-- slower disks or checked by itself. NUMERIC knows a value that is greater than every number; it is no amount.
CREATE SEQUENCE posting_number AS bigint;
CREATE TABLE posting (
    id bigint NOT NULL DEFAULT nextval('posting_number'),
    journal_id uuid NOT NULL,
    seq smallint NOT NULL,
    debit_account_id uuid NOT NULL,
    credit_account_id uuid NOT NULL,
    currency varchar(6) NOT NULL,
    amount numeric(20, 8) NOT NULL,
    debit_after numeric(20, 8),
    credit_after numeric(20, 8),
    PRIMARY KEY (journal_id, seq),
    CONSTRAINT amount_positive CHECK (amount > 0 AND amount <> 'NaN'),
    CONSTRAINT between_two_accounts CHECK (debit_account_id <> credit_account_id)
) PARTITION BY RANGE (journal_id);
ALTER SEQUENCE posting_number OWNED BY posting.id;
CREATE INDEX posting_debit ON posting (debit_account_id, id);
CREATE INDEX posting_credit ON posting (credit_account_id, id);
CREATE INDEX posting_place ON posting (id);

-- Both accounts exist and have the posting's currency, and a journal that takes postings is of this transaction: those
-- are found together, not one by one.
CREATE FUNCTION posting_fits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT new_posting.currency, debit.currency AS debit_currency, credit.currency AS credit_currency
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
    IF EXISTS (SELECT FROM inserted
               WHERE journal_id NOT IN (SELECT id FROM journal WHERE sealed_by = pg_current_xact_id())) THEN
        RAISE EXCEPTION 'a journal takes postings only in the transaction that made it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_is_sealed';
    END IF;
    RETURN NULL;
END;
$$;

-- The smallest id that a cause of that moment can have.
CREATE FUNCTION first_id_of(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

-- The rules are on every partition, since a statement on one passes by its parent.
CREATE FUNCTION posting_rules(partition text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER posting_fits AFTER INSERT ON %I REFERENCING NEW TABLE AS inserted'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION posting_fits()', partition);
    EXECUTE format('CREATE TRIGGER posting_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON %I'
                   ' FOR EACH STATEMENT EXECUTE FUNCTION only_grows()', partition);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER posting_fits', partition);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER posting_only_grows', partition);
END;
$$;

-- The partitions of this month and the two after it; what exists stays. The worker calls it every day.
CREATE FUNCTION ledger_keep_partitions(today timestamptz) RETURNS int
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    month timestamptz;
    name text;
    made int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7003, 2);
    FOR step IN 0..2 LOOP
        month := date_trunc('month', today) + make_interval(months => step);
        name := 'posting_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass(name) IS NOT NULL
            OR EXISTS (SELECT FROM posting_rest WHERE journal_id >= first_id_of(month)
                       AND journal_id < first_id_of(month + interval '1 month'));
        EXECUTE format('CREATE TABLE %I PARTITION OF posting FOR VALUES FROM (%L) TO (%L)', name, first_id_of(month),
                       first_id_of(month + interval '1 month'));
        PERFORM posting_rules(name);
        EXECUTE format('GRANT SELECT ON %I TO %I', name, current_user || '_app');
        made := made + 1;
    END LOOP;
    RETURN made;
END;
$$;

SELECT posting_rules('posting');
CREATE TABLE posting_rest PARTITION OF posting DEFAULT;
SELECT posting_rules('posting_rest');

-- One side of a posting, as a statement shows it. The id orders an owner's entries as they were written, and by the
-- posting's number they are found in order, on the indices that there are. (An account is on one side of it at most.)
CREATE VIEW entry AS
    SELECT id * 2 AS id, journal_id, debit_account_id AS account_id, credit_account_id AS counter_account_id,
           currency, -amount AS amount, debit_after AS balance, id AS posting_id
    FROM posting
    UNION ALL
    SELECT id * 2 + 1, journal_id, credit_account_id, debit_account_id, currency, amount, credit_after, id
    FROM posting;

-- 4. A closed period takes no journals any more; what comes late is posted into the open one and says when it happened.
CREATE TABLE period_close (
    until timestamptz PRIMARY KEY,
    closed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_by uuid
);
CREATE TRIGGER period_close_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON period_close
    FOR EACH STATEMENT EXECUTE FUNCTION only_grows();
ALTER TABLE period_close ENABLE ALWAYS TRIGGER period_close_only_grows;

CREATE FUNCTION journal_in_open_period() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed timestamptz;
BEGIN
    -- Closing waits for journals in hand, and they for a closing in hand.
    PERFORM pg_advisory_xact_lock_shared(7003, 3);
    SELECT max(until) INTO closed FROM period_close;
    IF EXISTS (SELECT FROM inserted WHERE effective_at < closed) THEN
        RAISE EXCEPTION 'the period until % is closed', closed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'period_is_open';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER journal_in_open_period AFTER INSERT ON journal
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION journal_in_open_period();
ALTER TABLE journal ENABLE ALWAYS TRIGGER journal_in_open_period;

CREATE FUNCTION ledger_close_period(until timestamptz, by uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7003, 3);
    IF ledger_close_period.until > clock_timestamp() THEN
        RAISE EXCEPTION 'a period that has not ended cannot be closed' USING ERRCODE = 'check_violation';
    END IF;
    IF ledger_close_period.until <= (SELECT max(p.until) FROM period_close p) THEN
        RAISE EXCEPTION 'a later period is closed already' USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO period_close (until, closed_by) VALUES (ledger_close_period.until, by);
END;
$$;

-- What came after its period was closed lies among the ids of the moment it happened; these few are found by this.
CREATE INDEX journal_late ON journal (effective_at) WHERE details ? 'happened_at';

-- 5. Rows that change with every usage: room on their page for the next version spares their index an entry for it.
ALTER TABLE party SET (fillfactor = 50);
ALTER TABLE balance SET (fillfactor = 70);
