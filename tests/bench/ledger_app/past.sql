-- People of the bench, numbered, with their two wallets and how many journals each has so far.
CREATE TABLE bench_person (
    number int PRIMARY KEY, owner_id uuid, usd uuid, eaml uuid, machine uuid, journals int NOT NULL DEFAULT 0
);
-- The platform's accounts that they pay to.
CREATE VIEW bench_platform AS
    SELECT max(id::text) FILTER (WHERE purpose = 'revenue' AND currency = 'USD') AS revenue_usd,
           max(id::text) FILTER (WHERE purpose = 'revenue' AND currency = 'EAML') AS revenue_eaml,
           max(id::text) FILTER (WHERE purpose = 'payment_clearing') AS clearing,
           max(id::text) FILTER (WHERE purpose = 'exchange' AND currency = 'EAML') AS exchange
    FROM account WHERE owner_id NOT IN (SELECT owner_id FROM party);

-- An id as `dated_id` makes them: the moment first, so that ids of one time lie together.
CREATE FUNCTION bench_id(moment timestamptz, what text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (substr(first_id_of(moment)::text, 1, 14) || '8' || substr(h, 1, 3) || '-8' || substr(h, 4, 3) || '-'
            || substr(h, 7, 12))::uuid FROM md5(what) AS h
$$;

CREATE FUNCTION bench_moment(number bigint) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT now() - interval '20 days' + number * interval '150 milliseconds'
$$;

-- A million dollars and tokens for everybody.
CREATE PROCEDURE bench_riches(someone json) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bench_person
    SELECT n - 1, owner::uuid, u.id, e.id, md5(owner)::uuid FROM json_array_elements_text(someone) WITH ORDINALITY AS s(owner, n)
    JOIN account u ON u.owner_id = owner::uuid AND u.purpose = 'wallet' AND u.currency = 'USD'
    JOIN account e ON e.owner_id = owner::uuid AND e.purpose = 'wallet' AND e.currency = 'EAML';
    INSERT INTO journal (id, source, idempotency_key, request_hash, kind, effective_at, recorded_at, details)
    SELECT bench_id(now() - interval '21 days', 'riches ' || number), 'bench', 'riches:' || owner_id, 'x',
           'tokens_bought', now() - interval '21 days', clock_timestamp(), '{}' FROM bench_person;
    INSERT INTO posting (journal_id, seq, debit_account_id, credit_account_id, currency, amount, credit_after)
    SELECT bench_id(now() - interval '21 days', 'riches ' || number), seq, source, sink, currency, 1e7, 1e7
    FROM bench_person, bench_platform, LATERAL (VALUES (1, clearing::uuid, usd, 'USD'), (2, exchange::uuid, eaml, 'EAML'))
        AS move(seq, source, sink, currency);
    UPDATE balance SET posted = 1e7 FROM bench_person WHERE account_id IN (usd, eaml);
END;
$$;

-- Journals as the consumer would have made them; `whale` gives them all to the first person.
CREATE PROCEDURE bench_past(many int, whale boolean) LANGUAGE plpgsql AS $$
DECLARE
    before bigint := (SELECT coalesce(sum(journals), 0) FROM bench_person);
    everybody int := (SELECT count(*) FROM bench_person);
BEGIN
    -- The three ids of a journal as `bench_id` makes them, at a third of its cost.
    CREATE TEMPORARY TABLE new ON COMMIT DROP AS
    SELECT n, moment, p.*, row_number() OVER (PARTITION BY p.number ORDER BY n) + p.journals AS place,
           (time || '-8' || h || '0001')::uuid AS journal_id, (time || '-8' || h || '0002')::uuid AS op_id,
           (time || '-8' || h || '0003')::uuid AS event_id
    FROM generate_series(before + 1, before + many) AS n
    JOIN bench_person p ON p.number = CASE WHEN whale THEN 0 ELSE 1 + n * 7919 % (everybody - 1) END
    CROSS JOIN LATERAL (SELECT bench_moment(n) AS moment, substr(md5(n::text), 1, 11) AS h) AS made
    CROSS JOIN LATERAL (SELECT substr(first_id_of(moment)::text, 1, 14) || '8' || substr(h, 9, 3)) AS first(time);

    INSERT INTO operation (id, kind, machine_id, machine_name, machine_owner_id, operation_user_id, count_of_lines,
                           columns, date_time)
    SELECT op_id, 'solving_with_api', machine, 'wine', owner_id, owner_id, 1000, 12, moment
    FROM new ORDER BY n;
    INSERT INTO journal (id, source, idempotency_key, request_hash, kind, effective_at, recorded_at, operation_id, details)
    SELECT journal_id, 'ml', 'solving:' || event_id, md5(n::text) || md5(n::text), 'solving_with_api', moment,
           clock_timestamp(), op_id,
           '{"owed_usd": "0", "price_eaml": "1", "price_version": 1, "usd_per_eaml": "0.1"}' FROM new ORDER BY n;
    INSERT INTO posting (journal_id, seq, debit_account_id, credit_account_id, currency, amount, debit_after)
    SELECT journal_id, seq, source, sink, currency, 0.5, 1e7 - 0.5 * place
    FROM new, bench_platform,
         LATERAL (VALUES (1, eaml, revenue_eaml::uuid, 'EAML'), (2, usd, revenue_usd::uuid, 'USD'))
            AS move(seq, source, sink, currency)
    WHERE NOT whale OR seq = 2 ORDER BY n, seq;
    INSERT INTO usage (event_id, type, journal_id, occurred_at)
    SELECT event_id, 'titan.ml.solving.completed.v1', journal_id, moment FROM new ORDER BY n;

    UPDATE balance SET posted = posted - 0.5 * made.number
    FROM (SELECT usd AS account_id, count(*) AS number FROM new GROUP BY 1
          UNION ALL SELECT eaml, count(*) FROM new WHERE NOT whale GROUP BY 1) AS made
    WHERE balance.account_id = made.account_id;
    UPDATE bench_person SET journals = journals + made.number
    FROM (SELECT number AS who, count(*) AS number FROM new GROUP BY 1) AS made WHERE bench_person.number = made.who;
    DROP TABLE new;
END;
$$;
