DROP TRIGGER verification_only_grows ON verification;
DROP FUNCTION ledger_balance_at(uuid, timestamptz, timestamptz);
DROP INDEX journal_out_of_time;
DROP FUNCTION ledger_balance_after(uuid, bigint);
DROP FUNCTION ledger_last_posting(uuid, timestamptz);
