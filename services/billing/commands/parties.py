"""Parties: a person's accounts come into being with her first movement, and her row is the lock on her money."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from billing import publishes
from billing.models import Account, Balance, Party
from billing.rules.accounts import PLATFORM, AccountName, accounts_of_person, accounts_of_platform


@transaction.atomic
def open_accounts(*, owner: UUID) -> Party:
    """The person's party with all her accounts at zero; the one that exists when called again."""
    return lock_parties(owner)[owner]


def lock_parties(*owners: UUID) -> dict[UUID, Party]:
    """The parties of `owners`, made if need be, locked until the transaction ends.

    Everything that changes a person's balances, lots or holds calls this first, so that decisions and movements of one
    person follow each other. The platform has no party: its accounts are credited without waiting (ADR 0020).
    """
    wanted = sorted(set(owners) - {PLATFORM})
    known = set(Party.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    for owner in wanted:
        if owner not in known:
            _open(owner)
    # ORDER BY: two transactions that lock the same two people in different orders deadlock.
    return {party.pk: party for party in Party.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}


def balances_of(owner: UUID) -> dict[UUID, Balance]:
    """The person's balances by account id."""
    return Balance.objects.in_bulk([account.id for account in accounts_of_person(owner)])


def say_balances(*parties: Party) -> None:
    """Count each party's version up and publish her balances; her row is locked."""
    for party in parties:
        party.version += 1
        party.save(update_fields=["version", "last_billing_time", "credit_limit"])
        held = {pk: (balance.posted, balance.held) for pk, balance in balances_of(party.pk).items()}
        publishes.balance_changed(party, held)


def _open(owner: UUID) -> None:
    names = accounts_of_person(owner)
    Account.objects.bulk_create(_rows([*names, *accounts_of_platform()]), ignore_conflicts=True)
    balances = [Balance(account_id=name.id, floor=name.floor) for name in sorted(names, key=lambda name: name.id)]
    Balance.objects.bulk_create(balances, ignore_conflicts=True)
    Party.objects.bulk_create([Party(owner_id=owner)], ignore_conflicts=True)


def _rows(names: Iterable[AccountName]) -> list[Account]:
    # Sorted: two first movements at once insert the platform's accounts in the same order and cannot deadlock.
    return [
        Account(id=name.id, owner_id=name.owner, purpose=name.purpose, currency=name.currency, floor=name.floor)
        for name in sorted(names, key=lambda name: name.id)
    ]
