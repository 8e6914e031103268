"""What the state machine looks at after every step: all checks of the ledger and all balances, at once each."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import connection

from billing.queries import many
from billing.queries.verify import EVERY_CHECK, USAGE_TYPES
from billing.rules.accounts import PLATFORM
from billing.rules.kinds import USAGE_KINDS
from billing.tests.world import Person

UNIT = Decimal("0.1")
FACTS = {
    "consumer": settings.TITAN_CONSUMER_GROUP,
    "usage_types": USAGE_TYPES,
    "usage_kinds": USAGE_KINDS,
    "platform": PLATFORM,
}
# One prepared statement: planning the checks took longer than the steps, asking one by one as long as finding answers.
# By PREPARE, since Django tells psycopg to prepare nothing.
_CHECKS = "PREPARE differences AS " + " UNION ALL ".join(
    f"SELECT $name${check.name}$name$, found.* FROM ({check.finds}) AS found" for check in EVERY_CHECK
)
_PREPARED = "SELECT FROM pg_prepared_statements WHERE name = 'differences'"
_BALANCES = "SELECT account_id, posted, held FROM balance WHERE account_id = ANY(%s)"
_ACCOUNTS = {"usd": UNIT, "eaml": 1, "coupons": 1, "owed": UNIT, "earned": UNIT, "transit": UNIT, "escrow": UNIT}


def prepare_checks() -> None:
    """Let the database plan the checks, once a connection."""
    if not many.rows(_PREPARED):
        with connection.cursor() as cursor:
            cursor.execute(_CHECKS, FACTS)


def differences() -> list[tuple[str, str]]:
    """What `titan ledger verify` would find: the name of each check that fails, and the first thing that is wrong."""
    return many.rows("EXECUTE differences")  # type: ignore[return-value]


def shown(people: list[Person]) -> list[dict[str, tuple[Decimal, Decimal]]]:
    """Each person's balances and what is held of them, in units."""
    ids = [{name: getattr(person, name).id for name in _ACCOUNTS} for person in people]
    found = many.rows(_BALANCES, [pk for accounts in ids for pk in accounts.values()])
    stand = {pk: amounts for pk, *amounts in found}
    return [
        {name: (stand[pk][0] / _ACCOUNTS[name], stand[pk][1] / _ACCOUNTS[name]) for name, pk in accounts.items()}
        for accounts in ids
    ]
