-- Who may do what. The application has a role of its own, `<owner>_app`: it reads everything, writes documents (coupons,
-- payments, parties …) and the bus's tables, and reaches the ledger through the functions alone. Called after every
-- migration, so that a new table is never forgotten: whatever is not of the ledger may be written.
CREATE FUNCTION ledger_tables() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY['account', 'balance', 'journal', 'posting', 'operation', 'usage', 'quote', 'price_list', 'hold',
                 'hold_part', 'hold_resolution', 'declined_work', 'coupon_lot', 'lot_use', 'period_close',
                 'journal_seal', 'bill', 'bill_line', 'bill_payment', 'bill_series', 'django_migrations']
$$;

CREATE FUNCTION ledger_grant() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    app CONSTANT text := current_user || '_app';
    name text;
    is_ledger boolean;
BEGIN
    -- Whoever set this server up made it, unless its owner may make roles himself.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = app) THEN
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', app);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- somebody else did, just now
        END;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', app);
    FOR name, is_ledger IN
        -- A view of a single table would let writes through to it with its owner's rights: views are only read.
        SELECT c.relname, c.relname = ANY(ledger_tables()) OR c.relispartition OR c.relkind IN ('v', 'm')
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
    LOOP
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, %I', name, app);
        EXECUTE format('GRANT SELECT ON %I TO %I', name, app);
        IF NOT is_ledger THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I TO %I', name, app);
        END IF;
    END LOOP;
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' LOOP
        EXECUTE format('GRANT USAGE, SELECT ON SEQUENCE %I TO %I', name, app);
    END LOOP;
    FOR name IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proowner = current_user::regrole
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, %I', name, app);
    END LOOP;
    FOR name IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proowner = current_user::regrole
              AND (prosecdef OR proname = 'ledger_tables')
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', name, app);
    END LOOP;
END;
$$;
