"""Parties: a person's accounts come into being with her first movement, and her row is the lock on her money."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection, transaction

from billing.commands.page import new
from billing.commands.periods import keep_books_open
from billing.models import Party
from billing.queries import many
from billing.rules.accounts import PLATFORM, AccountName, accounts_of_person, accounts_of_platform
from shared_models.money import plain

_MISSING = """
    SELECT wanted FROM unnest(%s::uuid[]) AS wanted
    WHERE NOT EXISTS (SELECT FROM party WHERE owner_id = wanted) ORDER BY wanted
"""
# What is decided on; when a party was made is read where somebody asks for it.
_COLUMNS = ("owner_id", "version", "credit_limit", "last_billing_time", "tax_basis_points")
_LOCK = f"SELECT {', '.join(_COLUMNS)} FROM party WHERE owner_id = ANY(%s::uuid[]) ORDER BY owner_id FOR UPDATE"


@transaction.atomic
def open_accounts(*, owner: UUID) -> Party:
    """The person's party with all her accounts at zero; the one that exists when called again."""
    return lock_parties(owner)[owner]


def lock_parties(*owners: UUID, payees: Iterable[UUID] = ()) -> dict[UUID, Party]:
    """The parties of `owners`, made if need be, locked until the transaction ends.

    Everything that spends, reserves or owes a person's money calls this first, so that decisions about one person
    follow each other; the books stay open meanwhile. `payees` only receive: they have accounts afterwards, but nobody
    waits for them (ADR 0108). The platform has no party: its accounts are credited without waiting (ADR 0020).
    """
    keep_books_open()
    wanted = set(owners) - {PLATFORM}
    ids = many.array(wanted)
    absent = [owner for (owner,) in many.rows(_MISSING, many.array(wanted | set(payees)))]
    if absent:
        open_all(absent)
    # ORDER BY: two transactions that lock the same two people in different orders deadlock.
    return {row[0]: new(Party, zip(_COLUMNS, row, strict=True)) for row in many.rows(_LOCK, ids)}


def open_all(owners: Sequence[UUID]) -> None:
    """Every account that a person has, for each of `owners`; those that exist stay as they are."""
    rows = [_row(name, has_balance=True) for owner in owners for name in accounts_of_person(owner)]
    rows += [_row(name, has_balance=False) for name in accounts_of_platform()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_open(%s::json)", [json.dumps(rows)])
    Party.objects.bulk_create([Party(owner_id=owner) for owner in owners], ignore_conflicts=True)


def _row(name: AccountName, *, has_balance: bool) -> dict[str, object]:
    return {
        "id": str(name.id),
        "owner_id": str(name.owner),
        "purpose": name.purpose,
        "currency": name.currency,
        "floor": None if name.floor is None else plain(name.floor),
        "has_balance": has_balance,
    }
