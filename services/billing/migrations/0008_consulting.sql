-- Which state of a consulting request follows which, and that a signed contract keeps its parties, terms and journal.
-- The commands ask the same first (billing.rules.consulting.FOLLOWS); this holds it for every path to the row, so that of
-- two endings at once the second finds the state that the first one left.
CREATE FUNCTION consulting_request_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND NOT (
        (OLD.status = 'open' AND NEW.status IN ('waiting_approval', 'cancelled'))
        OR (OLD.status = 'waiting_approval' AND NEW.status IN ('open', 'contract', 'cancelled'))
        OR (OLD.status = 'contract' AND NEW.status IN ('finished', 'failed', 'cancelled'))
    ) THEN
        RAISE EXCEPTION 'a consulting request does not go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consulting_status_follows';
    END IF;
    IF NEW.user_id <> OLD.user_id OR (OLD.signed_journal_id IS NOT NULL AND
        (NEW.consultant_user_id, NEW.amount_usd, NEW.delay_days, NEW.fee_basis_points, NEW.signed_journal_id)
        IS DISTINCT FROM
        (OLD.consultant_user_id, OLD.amount_usd, OLD.delay_days, OLD.fee_basis_points, OLD.signed_journal_id)
    ) THEN
        RAISE EXCEPTION 'a signed contract keeps its parties and its terms'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consulting_terms_stay';
    END IF;
    IF OLD.status IN ('finished', 'failed', 'cancelled') AND NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'a consulting request that has ended stays as it is'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consulting_end_stays';
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER consulting_request_moves_on BEFORE UPDATE ON consulting_request
    FOR EACH ROW EXECUTE FUNCTION consulting_request_moves_on();
ALTER TABLE consulting_request ENABLE ALWAYS TRIGGER consulting_request_moves_on;

-- What happened stays told, and a contract is not deleted.
CREATE TRIGGER consulting_step_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON consulting_step
    FOR EACH STATEMENT EXECUTE FUNCTION only_grows();
ALTER TABLE consulting_step ENABLE ALWAYS TRIGGER consulting_step_only_grows;
CREATE TRIGGER consulting_request_stays BEFORE DELETE OR TRUNCATE ON consulting_request
    FOR EACH STATEMENT EXECUTE FUNCTION only_grows();
ALTER TABLE consulting_request ENABLE ALWAYS TRIGGER consulting_request_stays;
