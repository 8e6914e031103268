DROP FUNCTION solving_stands(uuid, text, text, text, uuid, text, text, uuid, numeric, numeric);
DROP FUNCTION meter_solving(uuid, timestamptz, uuid, uuid, uuid, text, bigint, text, text, text, jsonb, text);

CREATE FUNCTION solving_stands(decision json) RETURNS boolean
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM json_to_record(decision) AS made(
                   caller_id uuid, kid text, key_hash text, caller_seen text, machine_id uuid, machine_seen text,
                   prices_seen text, payer_id uuid, tokens numeric, dollars numeric)
          JOIN machine ON machine.id = made.machine_id AND machine.deleted_at IS NULL
           AND machine_to_solve(machine) = made.machine_seen
          JOIN price_list ON price_list.list_name = 'platform' AND price_list.xmin::text = made.prices_seen
          LEFT JOIN funds ON funds.owner_id = made.payer_id
         WHERE coalesce(coupon_available + eaml_available, 0) >= made.tokens
           AND coalesce(usd_available + credit_available, 0) >= made.dollars
           AND caller_standing(made.caller_id, made.kid, made.key_hash) = made.caller_seen);
END;
$$;

CREATE FUNCTION meter_solving(usage json) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    said record;
BEGIN
    SELECT * INTO said FROM json_to_record(usage) AS one(
        event_id uuid, topic text, key text, type text, headers jsonb, payload text, occurred_at timestamptz,
        payer_id uuid, machine_id uuid, caller_id uuid, channel text, lines bigint);
    INSERT INTO published_usage (event_id, at, payer_id, lines)
    VALUES (said.event_id, said.occurred_at, said.payer_id, said.lines)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO outbox (event_id, topic, key, type, headers, payload, occurred_at)
    VALUES (said.event_id, said.topic, said.key, said.type, said.headers, said.payload, said.occurred_at)
    ON CONFLICT (event_id) DO NOTHING;
    INSERT INTO solved_lines (machine_id, caller_id, channel, day, lines, requests)
    VALUES (said.machine_id, said.caller_id, said.channel, (said.occurred_at AT TIME ZONE 'UTC')::date, said.lines, 1)
    ON CONFLICT (machine_id, caller_id, channel, day)
       DO UPDATE SET lines = solved_lines.lines + excluded.lines, requests = solved_lines.requests + 1;
END;
$$;
