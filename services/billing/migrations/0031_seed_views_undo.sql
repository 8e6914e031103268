DROP VIEW billing;
DROP VIEW debit_ixioo;
DROP VIEW credit_ixioo;
DROP VIEW debit;
DROP VIEW credit;
DROP VIEW wallet_entry;
