"""Reading the ledger: wallets, statements, the story of a charge, and the proof that it all adds up."""

from billing.queries.completeness import GRACE
from billing.queries.consulting import (
    board,
    contracts_of,
    disputed,
    file_seen_by,
    is_insider,
    machines_owned,
    names_of,
    offers_seen_by,
    request_seen_by,
    requests_of,
)
from billing.queries.estimates import Estimate, current_prices, estimate
from billing.queries.export import csv_of
from billing.queries.journals import Story, journals_seen_by, story_of
from billing.queries.moments import Balances, balances_at, last_entry_until
from billing.queries.statement import ACCOUNTS, Statement, StatementFilter, account_of, entries_of, statement_of
from billing.queries.verify import Verdict, verify
from billing.queries.wallet import (
    Income,
    Wallet,
    holds_of,
    income_of,
    lots_of,
    machines_of,
    operations_of,
    parts_of,
    quotes_of,
    read_wallet,
    wallet_of,
)

__all__ = [
    "ACCOUNTS",
    "GRACE",
    "Balances",
    "Estimate",
    "Income",
    "Statement",
    "StatementFilter",
    "Story",
    "Verdict",
    "Wallet",
    "account_of",
    "balances_at",
    "board",
    "contracts_of",
    "csv_of",
    "current_prices",
    "disputed",
    "earned_by",
    "estimate",
    "file_seen_by",
    "holds_of",
    "income_of",
    "is_insider",
    "journals_seen_by",
    "last_entry_until",
    "lots_of",
    "machines_of",
    "machines_owned",
    "names_of",
    "offers_seen_by",
    "operations_of",
    "parts_of",
    "quotes_of",
    "read_wallet",
    "request_seen_by",
    "requests_of",
    "statement_of",
    "story_of",
    "verify",
    "wallet_of",
]
