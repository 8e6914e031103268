DROP FUNCTION ledger_close_bill(uuid, uuid, numeric);
DROP FUNCTION ledger_issue_bill(json, json);
DROP INDEX journal_late;
DO $$
BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION ledger_tables() RETURNS text[] LANGUAGE sql IMMUTABLE AS %L',
                   format('SELECT %L::text[]', ARRAY(
                       SELECT name FROM unnest(ledger_tables()) AS name
                       WHERE name <> ALL(ARRAY['bill', 'bill_line', 'bill_payment', 'bill_series']))));
END;
$$;
