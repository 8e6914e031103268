DROP FUNCTION ledger_write(json);
DROP FUNCTION ledger_move_lots(json);
DROP FUNCTION ledger_move_balances(json);
DROP FUNCTION ledger_open(json);
