"""Closed periods, the chain of seals, and the months of postings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from billing import commands, queries
from billing.models import Journal, Posting
from billing.rules.errors import PeriodUnfit
from billing.tests.world import Person, World, charge_of, in_balance, seal_everything
from event_bus.testing import deliver
from shared_models.clock import rfc3339, utc_now
from shared_models.ids import dated_id, new_id


def run(sql: str, *parameters: Any) -> list[Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def test_usage_of_a_closed_period_is_charged_in_the_open_one_and_says_when_it_was(world: World, ana: Person) -> None:
    closed = utc_now()
    commands.close_period(until=closed)
    then = closed - timedelta(days=40)
    event_id = new_id()
    deliver(world.solved(ana, lines=1000, completed_at=then), event_id=event_id)
    journal = charge_of(event_id)
    assert journal.effective_at == closed
    assert journal.details["happened_at"] == rfc3339(then)
    in_balance()


@pytest.mark.owner
def test_the_database_refuses_a_journal_in_a_closed_period(world: World) -> None:
    commands.close_period(until=utc_now())
    with pytest.raises(IntegrityError, match="is closed"), transaction.atomic():
        Journal.objects.create(
            source="test", idempotency_key="k", request_hash="", kind="training",
            effective_at=utc_now() - timedelta(days=1),
        )  # fmt: skip


def test_the_future_and_what_is_closed_already_cannot_be_closed(world: World) -> None:
    with pytest.raises(PeriodUnfit, match="has ended"):
        commands.close_period(until=utc_now() + timedelta(hours=1))
    commands.close_period(until=utc_now())
    with pytest.raises(PeriodUnfit, match="already"):
        commands.close_period(until=utc_now() - timedelta(days=1))


@pytest.mark.django_db(transaction=True)
class TestSeals:
    """The chain grows behind the transactions, and shows what was altered."""

    def test_every_journal_is_sealed_once_its_transaction_has_ended(self, world: World, ana: Person) -> None:
        deliver(world.solved(ana, lines=1000))
        assert seal_everything() == Journal.objects.count() > 1
        assert commands.seal_journals() == 0
        in_balance()

    @pytest.mark.owner
    @pytest.mark.parametrize(
        "tamper",
        [
            "UPDATE posting SET amount = amount + 1 WHERE id = (SELECT min(id) FROM posting)",
            "UPDATE journal SET effective_at = effective_at - interval '1 day' WHERE kind = 'credit_from_user'",
            "DELETE FROM journal_seal WHERE position = 1",
            "UPDATE journal_seal SET seal = 'x' WHERE position = 2",
        ],
    )
    def test_whoever_alters_the_past_breaks_the_chain(self, world: World, ana: Person, tamper: str) -> None:
        """Even the owner of the tables, who can switch the rules off."""
        deliver(world.solved(ana, lines=1000))
        seal_everything()
        for table in ("posting", "posting_rest", "journal", "journal_seal"):
            run(f"ALTER TABLE {table} DISABLE TRIGGER {table.replace('_rest', '')}_only_grows")
        try:
            run(tamper)
            findings = {finding.name: finding for finding in queries.verify().findings}
        finally:
            for table in ("posting", "posting_rest", "journal", "journal_seal"):
                run(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table.replace('_rest', '')}_only_grows")
        assert not findings["the chain of seals holds"].ok


class TestMonths:
    """Partitions of the postings have every rule that the whole has."""

    def test_the_next_months_are_made_once(self, world: World) -> None:
        assert commands.keep_partitions() == 3
        assert commands.keep_partitions() == 0

    def test_postings_lie_in_the_month_of_their_cause(self, world: World, ana: Person) -> None:
        commands.keep_partitions()
        event_id = new_id()
        deliver(world.solved(ana, lines=1000, completed_at=utc_now()), event_id=event_id)
        [(table,)] = run("SELECT DISTINCT tableoid::regclass::text FROM posting WHERE journal_id = %s",
                         charge_of(event_id).pk)  # fmt: skip
        assert table == f"posting_{utc_now():%Y_%m}"

    @pytest.mark.owner
    def test_a_partition_by_itself_has_the_rules_of_the_whole(self, world: World, ana: Person) -> None:
        commands.keep_partitions()
        month = f"posting_{utc_now():%Y_%m}"
        deliver(world.solved(ana, lines=1000, completed_at=utc_now()))
        for attack in (f"DELETE FROM {month}", f"TRUNCATE {month}", f"UPDATE {month} SET seq = 9"):
            with pytest.raises(DatabaseError, match="only grows"):
                run(attack)
        posting = Posting.objects.last()
        assert posting is not None
        with pytest.raises(IntegrityError, match="between accounts"):
            run(
                f"INSERT INTO {month} (journal_id, seq, debit_account_id, credit_account_id, currency, amount)"
                " VALUES (%s, 1, %s, %s, 'USD', 1)",
                dated_id(utc_now(), "x"), posting.debit_account_id, new_id(),
            )  # fmt: skip
