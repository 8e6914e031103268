-- What solving reads of a machine, as one text: not what it cost so far, which every charge changes, nor how it is trained.
CREATE FUNCTION machine_to_solve(machine) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT ROW($1.id, $1.machine_name, $1.machine_owner_user, $1.machine_owner_team, $1.machine_api_solving_is_public,
               $1.machine_api_solving_price_usd, $1.machine_data_source_is_public, $1.machine_is_duplicatable,
               $1.mdc_columns_total_count, $1.training_nn_model_id)::text
$$;

-- Whether a decision to solve still holds: its caller, its machine and its prices are as they were when it was made, and
-- its payer has enough. Who may solve and what it costs is said by ml's rules alone; this only compares. What it is
-- given comes value by value: PostgreSQL reads a parameter at a tenth of what a name in JSON costs.
CREATE FUNCTION solving_stands(
    her uuid, signed_by text, by_key text, her_standing text, asked uuid, asked_standing text, prices_standing text,
    payer uuid, tokens numeric, dollars numeric) RETURNS boolean
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM machine
          JOIN price_list ON price_list.list_name = 'platform' AND price_list.xmin::text = prices_standing
          LEFT JOIN funds ON funds.owner_id = payer
         WHERE machine.id = asked AND machine.deleted_at IS NULL AND machine_to_solve(machine) = asked_standing
           AND coalesce(coupon_available + eaml_available, 0) >= tokens
           AND coalesce(usd_available + credit_available, 0) >= dollars
           AND caller_standing(her, signed_by, by_key) = her_standing);
END;
$$;

-- Lines were solved: the usage event, its listing and the count of lines, all or none. A usage that was said before
-- under its id is said, listed and counted once.
CREATE FUNCTION meter_solving(
    usage uuid, solved_at timestamptz, payer uuid, asked uuid, her uuid, by_way text, solved bigint,
    on_topic text, under_key text, of_type text, with_headers jsonb, event text) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    WITH listed AS (
        INSERT INTO published_usage (event_id, at, payer_id, lines) VALUES (usage, solved_at, payer, solved)
        ON CONFLICT DO NOTHING RETURNING 1),
    said AS (
        INSERT INTO outbox (event_id, topic, key, type, headers, payload, occurred_at)
        SELECT usage, on_topic, under_key, of_type, with_headers, event, solved_at FROM listed
        ON CONFLICT (event_id) DO NOTHING)
    INSERT INTO solved_lines (machine_id, caller_id, channel, day, lines, requests)
    SELECT asked, her, by_way, (solved_at AT TIME ZONE 'UTC')::date, solved, 1 FROM listed
    ON CONFLICT (machine_id, caller_id, channel, day)
       DO UPDATE SET lines = solved_lines.lines + excluded.lines, requests = solved_lines.requests + 1;
END;
$$;
