"""The database itself refuses what would falsify the ledger, even to somebody who writes SQL."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from billing.models import Account, Balance, Hold, HoldResolution, Journal, Posting
from billing.rules.accounts import accounts_of_person
from billing.tests.world import Person, World
from event_bus.testing import deliver
from shared_models.clock import utc_now
from shared_models.ids import new_id

# These go around the functions, as only the owner can: what the rows themselves refuse is what is tested.
pytestmark = pytest.mark.owner

ONLY_GROW = [
    "account",
    "declined_work",
    "hold",
    "hold_part",
    "hold_resolution",
    "journal",
    "lot_use",
    "operation",
    "posting",
    "price_list",
    "quote",
    "usage",
]


def run(sql: str, *parameters: Any) -> None:
    """One statement, in a savepoint, with deferred constraints checked at its end."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.fixture
def charged(world: World) -> Journal:
    """A ledger with a charge in each kind of table."""
    person = world.person(usd="5", coupon="1")
    wanted, _ = world.hold(person, lines=2000)
    deliver(world.trained(wanted))
    deliver(world.wants_training(person, level=9))
    return Journal.objects.get(kind="training")


@pytest.mark.parametrize("table", ONLY_GROW)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_what_was_written_can_neither_be_changed_nor_removed(charged: Journal, table: str, statement: str) -> None:
    with connection.cursor() as cursor:
        column = connection.introspection.get_primary_key_column(cursor, table)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone()[0] > 0, f"nothing in {table}: this test would prove nothing"

    with pytest.raises(DatabaseError, match="only grows"):
        run(statement.format(table, column, column))


def test_a_journal_cannot_reverse_one_that_is_not_there(charged: Journal) -> None:
    facts = {"source": "test", "request_hash": "", "kind": "reversal", "effective_at": utc_now()}
    with pytest.raises(IntegrityError, match="reverses one that is not there"), transaction.atomic():
        Journal.objects.create(idempotency_key="nothing", reverses_id=new_id(), **facts)

    assert Journal.objects.create(idempotency_key="something", reverses_id=charged.pk, **facts).pk


def test_the_rules_hold_in_replication_mode_too(charged: Journal) -> None:
    with pytest.raises(DatabaseError, match="only grows"):
        run("SET LOCAL session_replication_role = replica; UPDATE posting SET amount = 1")


def test_every_rule_is_always_on(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgenabled FROM pg_trigger WHERE NOT tgisinternal"
            " AND (tgname LIKE '%%_only_grows' OR tgname IN ('posting_fits', 'journal_in_open_period')) ORDER BY 1",
            [],
        )
        found = cursor.fetchall()

    assert {table for table, _ in found} >= {*ONLY_GROW, "journal_seal", "period_close", "posting_rest"}
    assert {state for _, state in found} == {"A"}


def _post(debit: Account, credit: Account, currency: str, amount: str, journal: Journal | None = None) -> None:
    owner = journal or Journal.objects.create(
        source="test", idempotency_key=str(new_id()), request_hash="", kind="training", effective_at=utc_now()
    )
    with transaction.atomic():
        Posting.objects.create(
            journal=owner, seq=99, debit_account=debit, credit_account=credit, currency=currency, amount=amount
        )


def accounts(person: Person) -> list[Account]:
    """Her dollars, tokens, coupons and debt."""
    return [Account.objects.get(pk=name.id) for name in accounts_of_person(person.id)]


def test_a_posting_between_two_currencies_is_refused(world: World, ana: Person) -> None:
    usd, eaml, *_ = accounts(ana)

    with pytest.raises(IntegrityError, match="between accounts in USD and EAML"):
        _post(usd, eaml, "USD", "1")


def test_a_posting_to_no_account_is_refused(world: World, ana: Person) -> None:
    usd, *_ = accounts(ana)

    with pytest.raises(IntegrityError, match="USD and none"):
        _post(usd, Account(pk=new_id()), "USD", "1")


@pytest.mark.parametrize("amount", ["0", "-1", "NaN"])
def test_a_posting_of_no_positive_amount_is_refused(world: World, ana: Person, amount: str) -> None:
    usd, _, _, owed, *_ = accounts(ana)
    journal = Journal.objects.get(kind="credit_from_user")

    with pytest.raises(IntegrityError):
        run(
            "INSERT INTO posting (journal_id, seq, debit_account_id, credit_account_id, currency, amount)"
            " VALUES (%s, 9, %s, %s, 'USD', %s::numeric)",
            journal.pk,
            usd.pk,
            owed.pk,
            amount,
        )


def test_an_account_cannot_pay_itself(world: World, ana: Person) -> None:
    usd, *_ = accounts(ana)

    with pytest.raises(IntegrityError, match="between_two_accounts"):
        _post(usd, usd, "USD", "1")


@pytest.mark.django_db(transaction=True)
def test_a_journal_takes_no_postings_once_its_transaction_has_ended(world: World, ana: Person) -> None:
    usd, _, _, owed, *_ = accounts(ana)

    with pytest.raises(IntegrityError, match="only in the transaction that made it"):
        _post(usd, owed, "USD", "1", journal=Journal.objects.get(kind="credit_from_user"))


@pytest.mark.parametrize("change", [{"posted": -1}, {"held": 101}, {"held": -1}])
def test_a_balance_below_its_floor_is_refused(world: World, ana: Person, change: dict[str, int]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Balance.objects.filter(pk=ana.usd.id).update(**change)


def test_a_hold_ends_once(world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana)
    deliver(world.failed(wanted))

    with pytest.raises(IntegrityError), transaction.atomic():
        HoldResolution.objects.create(hold=hold, outcome="expired", resolved_at=utc_now())


def test_a_work_is_held_once(world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana)

    with pytest.raises(IntegrityError), transaction.atomic():
        Hold.objects.create(
            work_id=wanted.work_id,
            payer_id=ana.id,
            quote=hold.quote,
            cause=new_id(),
            created_at=utc_now(),
            expires_at=utc_now(),
        )


def _journal(**changes: Any) -> Journal:
    facts = {"source": "test", "idempotency_key": str(new_id()), "kind": "training", "effective_at": utc_now()}
    with transaction.atomic():
        return Journal.objects.create(**(facts | changes))


def test_a_journal_is_reversed_once(world: World) -> None:
    journal = _journal()
    _journal(reverses=journal)

    with pytest.raises(IntegrityError):
        _journal(reverses=journal)


def test_a_key_is_posted_once_for_ever(world: World) -> None:
    _journal(idempotency_key="k")

    with pytest.raises(IntegrityError, match="posted_once"):
        _journal(idempotency_key="k")


def test_an_unknown_kind_is_refused(world: World) -> None:
    with pytest.raises(IntegrityError, match="journal_kind_known"):
        _journal(kind="gift")
