-- 1. Postings by month of their journal's id, which begins with the milliseconds of its cause: a month can be moved to
-- slower disks or checked by itself. The rules are on every partition, since a statement on one passes by its parent.
DROP VIEW entry;
ALTER TABLE posting RENAME TO posting_whole;
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

-- The smallest id that a cause of that moment can have.
CREATE FUNCTION first_id_of(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

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
ALTER TABLE posting DISABLE TRIGGER posting_fits;
INSERT INTO posting (journal_id, seq, debit_account_id, credit_account_id, currency, amount, debit_after, credit_after)
SELECT journal_id, seq, debit_account_id, credit_account_id, currency, amount, debit_after, credit_after
FROM posting_whole ORDER BY id;
ALTER TABLE posting ENABLE ALWAYS TRIGGER posting_fits;
DROP TABLE posting_whole;

CREATE VIEW entry AS
    SELECT id * 2 AS id, journal_id, debit_account_id AS account_id, credit_account_id AS counter_account_id,
           currency, -amount AS amount, debit_after AS balance
    FROM posting
    UNION ALL
    SELECT id * 2 + 1, journal_id, credit_account_id, debit_account_id, currency, amount, credit_after
    FROM posting;

-- 2. A closed period takes no journals any more; what comes late is posted into the open one and says when it happened.
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

-- 3. The chain: each journal's seal is a hash over the seal before it, the journal and its postings, so that nothing in
-- the past can be altered without every seal after it showing it. Sealed after the fact, in the order of transactions.
CREATE TABLE journal_seal (
    position bigint PRIMARY KEY,
    journal_id uuid NOT NULL UNIQUE,
    transaction xid8 NOT NULL,
    seal bytea NOT NULL
);
CREATE TRIGGER journal_seal_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_seal
    FOR EACH STATEMENT EXECUTE FUNCTION only_grows();
ALTER TABLE journal_seal ENABLE ALWAYS TRIGGER journal_seal_only_grows;
CREATE INDEX journal_by_transaction ON journal (sealed_by, id);

CREATE FUNCTION seal_of(before bytea, sealed journal) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(before || convert_to(concat_ws('|', sealed.id, sealed.source, sealed.idempotency_key,
        sealed.request_hash, sealed.kind, extract(epoch FROM sealed.effective_at),
        extract(epoch FROM sealed.recorded_at), sealed.reverses_id, sealed.operation_id, sealed.details,
        (SELECT string_agg(concat_ws(',', seq, debit_account_id, credit_account_id, currency, amount), ';' ORDER BY seq)
         FROM posting WHERE journal_id = sealed.id)), 'UTF8'))
$$;

CREATE FUNCTION ledger_seal(most int) RETURNS int
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last journal_seal;
    next journal;
    made int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7003, 4);
    SELECT * INTO last FROM journal_seal ORDER BY position DESC LIMIT 1;
    last.position := coalesce(last.position, 0);
    last.seal := coalesce(last.seal, sha256('TITAN ledger'));
    FOR next IN
        SELECT * FROM journal
        WHERE (last.journal_id IS NULL OR (sealed_by, id) > (last.transaction, last.journal_id))
          AND sealed_by < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY sealed_by, id LIMIT most
    LOOP
        made := made + 1;
        last.position := last.position + 1;
        last.seal := seal_of(last.seal, next);
        INSERT INTO journal_seal VALUES (last.position, next.id, next.sealed_by, last.seal);
    END LOOP;
    RETURN made;
END;
$$;

-- The first position whose seal is not what it should be; null when the chain holds.
CREATE FUNCTION ledger_first_broken_seal() RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before bytea := sha256('TITAN ledger');
    expected bigint := 0;
    known record;
BEGIN
    FOR known IN
        SELECT s.position, s.seal, j FROM journal_seal s LEFT JOIN journal j ON j.id = s.journal_id ORDER BY s.position
    LOOP
        expected := expected + 1;
        IF known.position <> expected OR known.j IS NULL OR known.seal <> seal_of(before, known.j) THEN
            RETURN expected;
        END IF;
        before := known.seal;
    END LOOP;
    RETURN NULL;
END;
$$;
