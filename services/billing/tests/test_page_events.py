"""What a page of the ledger says: each operation and each person once, in as few events as Kafka takes."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from billing import publishes
from billing.models import Operation, Party, Usage
from billing.models.rows import JournalRow, OperationRow
from billing.rules.funding import Part
from billing.tests.world import World, balances_told, operations_told
from event_bus.models import OutboxEvent
from event_bus.outbox import MAX_PAYLOAD_BYTES
from event_bus.testing import deliver, said
from shared_models.clock import utc_now
from shared_models.events import billing
from shared_models.events.contract import Event
from shared_models.ids import new_id
from shared_models.money import LARGEST, Currency


@pytest.mark.django_db
def test_a_page_says_what_it_posted_in_one_event_and_whose_balances_it_changed_in_another(world: World) -> None:
    ana, ben = world.person(usd="1"), world.person(usd="1")
    OutboxEvent.objects.all().delete()
    deliver(world.solved(ana, lines=1000), world.solved(ben, lines=1000), world.solved(ana, lines=1000))

    [posted], [changed] = said(billing.OperationsPosted), said(billing.BalancesChanged)
    assert [one.payer_id for one in posted.operations] == [ana.id, ben.id, ana.id]
    assert {one.owner_id: (one.version, one.user_balance) for one in changed.balances} == {
        ana.id: (2, "0.8"),
        ben.id: (2, "0.9"),
    }
    assert posted.page_id == changed.page_id


@pytest.mark.django_db
def test_a_usage_told_again_beside_a_new_one_is_said_once(world: World) -> None:
    ana = world.person(usd="1")
    told, further = world.solved(ana, lines=1000), world.solved(ana, lines=2000)
    deliver(told)
    deliver(told, further)

    usages = [one for one in operations_told() if one.kind == "solving"]
    assert [one.count_of_lines for one in usages] == [1000, 2000]
    assert Usage.objects.count() == 3, "each telling of it is kept"


@pytest.mark.django_db(transaction=True)
def test_a_page_that_is_undone_said_nothing(world: World) -> None:
    ana = world.person(usd="1")
    before = len(operations_told()), len(balances_told())

    class Undone(Exception):
        """The end of the transaction."""

    with pytest.raises(Undone), transaction.atomic():
        deliver(world.solved(ana, lines=1000))
        assert (len(operations_told()), len(balances_told())) != before
        raise Undone
    assert (len(operations_told()), len(balances_told())) == before


@pytest.mark.django_db
def test_a_page_done_again_says_its_operations_under_the_same_ids(world: World) -> None:
    ana = world.person(usd="1")
    usages = [world.solved(ana, lines=1000) for _ in range(3)]

    def ids() -> list[UUID]:
        with transaction.atomic():
            deliver(*usages)
            found = OutboxEvent.objects.filter(type=billing.OperationsPosted.TYPE).order_by("seq")
            told = [row.event_id for row in found][-1:]
            transaction.set_rollback(True)
        return told

    assert ids() == ids() != []


def longest(at: datetime) -> dict[str, Any]:
    """An operation with everything as long as it can be."""
    person, text = new_id(), "é" * 200
    operation = OperationRow.of(
        Operation(
            id=new_id(), kind="k" * 30, operation_user_id=person, machine_id=person, work_id=person,
            count_of_lines=10**18,
        )
    )  # fmt: skip
    journal = JournalRow(new_id(), "ml", "key", "digest", "solving", at, None, operation.id, {})
    parts = [Part(currency, LARGEST) for currency in Currency]
    return publishes.posted(operation, journal, parts, cause=text, payee_id=person)


def richest(at: datetime) -> dict[str, Any]:
    """A balance with everything as long as it can be."""
    party = Party(owner_id=new_id(), version=10**18, last_billing_time=at, credit_limit=Decimal(0))
    return publishes.balance(party, [(-LARGEST, Decimal(0))] * 4)


def sizes(events: list[Event]) -> list[int]:
    return [len(event.model_dump_json().encode()) for event in events]


def test_the_longest_page_is_said_in_messages_that_kafka_takes() -> None:
    now, page = utc_now(), new_id()
    operations = [longest(now) for _ in range(2000)]
    balances = [richest(now) for _ in range(2000)]
    posted = publishes.operations_posted(page, operations)
    changed = publishes.balances_changed(page, balances)

    assert (len(posted), len(changed)) == (4, 4)
    assert max(sizes(posted) + sizes(changed)) <= MAX_PAYLOAD_BYTES
    assert {event.key for event in posted + changed} == {str(page)}


@settings(deadline=None)  # a long page takes long, on a busy machine longer
@given(st.integers(0, 3 * publishes.ENTRIES_A_MESSAGE))
def test_however_long_a_page_is_every_entry_is_said_once_and_in_order(size: int) -> None:
    owners = [UUID(int=n) for n in range(size)]
    zero = (Decimal(0), Decimal(0))
    parties = [Party(owner_id=one, credit_limit=Decimal(0)) for one in owners]
    pages = publishes.balances_changed(new_id(), [publishes.balance(one, [zero] * 4) for one in parties])

    assert [one.owner_id for page in pages for one in page.balances] == owners  # type: ignore[attr-defined]
    assert all(page.balances for page in pages)  # type: ignore[attr-defined]


@pytest.mark.parametrize("wrong", [Decimal("NaN"), Decimal("0.000000001"), LARGEST + 1])
def test_a_balance_that_is_no_amount_is_not_said(wrong: Decimal) -> None:
    party = Party(owner_id=new_id(), version=1, credit_limit=Decimal(0))
    with pytest.raises(ValidationError):
        publishes.balances_changed(new_id(), [publishes.balance(party, [(wrong, Decimal(0))] * 4)])


def test_what_happened_elsewhere_is_said_in_utc() -> None:
    elsewhere = datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    [page] = publishes.operations_posted(new_id(), [longest(elsewhere)])
    assert '"posted_at":"2026-07-01T12:00:00Z"' in page.model_dump_json()
