-- The chain: each journal's seal is a hash over the seal before it, the journal and its postings, so that nothing in
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
