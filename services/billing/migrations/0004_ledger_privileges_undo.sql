DROP FUNCTION ledger_publish_prices(json);
DROP FUNCTION ledger_grant();
DROP FUNCTION ledger_tables();
