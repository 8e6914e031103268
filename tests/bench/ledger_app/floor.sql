-- The bare rows of a usage, as wide as the ledger's: keys, and nothing else that refuses or finds. No triggers, CHECKs,
-- foreign keys, privileges, no operation, no usage, no outbox; what is to be written lies there ready.
CREATE SCHEMA floor;
CREATE TABLE floor.inbox (LIKE inbox INCLUDING DEFAULTS, PRIMARY KEY (consumer, event_id));
CREATE TABLE floor.journal (LIKE journal INCLUDING DEFAULTS, PRIMARY KEY (id), UNIQUE (source, idempotency_key));
CREATE TABLE floor.posting (LIKE posting INCLUDING DEFAULTS, PRIMARY KEY (journal_id, seq));
CREATE TABLE floor.balance (LIKE balance INCLUDING DEFAULTS, PRIMARY KEY (account_id)) WITH (fillfactor = 50);
INSERT INTO floor.balance SELECT * FROM balance;
CREATE SEQUENCE floor.turn;
CREATE UNLOGGED TABLE floor.told (
    n bigint PRIMARY KEY, event_id uuid, journal_id uuid, key text, digest text, moment timestamptz, usd uuid, eaml uuid,
    revenue_usd uuid, revenue_eaml uuid
);
INSERT INTO floor.told
SELECT n, bench_id(now(), 'floor event ' || n), bench_id(now(), 'floor journal ' || n), 'solving:' || uuidv7(),
       md5(n::text) || md5(n::text), now(), usd, eaml, revenue_usd::uuid, revenue_eaml::uuid
FROM generate_series(0, {events} - 1) AS n JOIN bench_person ON number = n % (SELECT count(*) FROM bench_person),
     bench_platform;

CREATE FUNCTION floor.write(many int) RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    first bigint := (nextval('floor.turn') - 1) * many;
BEGIN
    INSERT INTO floor.inbox (consumer, event_id, type, received_at)
    SELECT 'titan.billing', event_id, 'titan.ml.solving.completed.v1', moment
    FROM floor.told WHERE n >= first AND n < first + many;
    INSERT INTO floor.journal (id, source, idempotency_key, request_hash, kind, effective_at, recorded_at, details)
    SELECT journal_id, 'ml', key, digest, 'solving_with_api', moment, moment,
           '{{"owed_usd": "0", "price_eaml": "1", "price_version": 1, "usd_per_eaml": "0.1"}}'
    FROM floor.told WHERE n >= first AND n < first + many;
    INSERT INTO floor.posting (journal_id, seq, debit_account_id, credit_account_id, currency, amount, debit_after)
    SELECT journal_id, seq, debit, credit, currency, 0.5, 1e7
    FROM floor.told, LATERAL (VALUES (1, eaml, revenue_eaml, 'EAML'), (2, usd, revenue_usd, 'USD'))
        AS move(seq, debit, credit, currency)
    WHERE n >= first AND n < first + many;
    UPDATE floor.balance SET posted = balance.posted - moved.amount
    FROM (SELECT debit, sum(0.5) AS amount FROM floor.told, LATERAL (VALUES (eaml), (usd)) AS move(debit)
          WHERE n >= first AND n < first + many GROUP BY debit ORDER BY debit) AS moved
    WHERE balance.account_id = moved.debit;
END;
$$;
