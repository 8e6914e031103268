"""Bills from several connections at once, and with one of them killed: numbers, payments, and nothing in between."""

from __future__ import annotations

import os
import signal
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from billing import commands
from billing.commands import exchange
from billing.models import Bill, BillPayment, BillSeries, Journal, PeriodClose
from billing.rules.bills import month_of
from billing.rules.errors import BillPaid, NothingOwed
from billing.tests.test_races import at_once
from billing.tests.world import Person, World, balance, in_balance
from event_bus.testing import deliver, said
from shared_models.clock import utc_now
from shared_models.events import billing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def end() -> datetime:
    """When the month to bill ended."""
    return month_of(utc_now())


@pytest.fixture
def debtors(world: World, end: datetime) -> list[Person]:
    """Six people who owe 1 USD each, and their tax."""
    people = [world.person() for _ in range(6)]
    for person in people:
        commands.set_tax_rate(owner=person.id, basis_points=1000)
        deliver(world.solved(person, lines=10_000, completed_at=end - timedelta(days=5)))
    return people


def numbers() -> list[int]:
    return list(Bill.objects.order_by("number").values_list("number", flat=True))


def test_bills_issued_at_once_have_numbers_without_gaps(debtors: list[Person], end: datetime) -> None:
    at_once(*(lambda p=person: commands.issue_bill(owner=p.id, until=end) for person in debtors))

    assert numbers() == [1, 2, 3, 4, 5, 6]
    assert BillSeries.objects.get().last == 6
    in_balance()


def test_one_persons_bill_issued_by_several_at_once_is_one_bill(debtors: list[Person], end: datetime) -> None:
    ada = debtors[0]
    at_once(
        *[lambda: commands.issue_bill(owner=ada.id, until=end)] * 3,
        *[lambda: commands.issue_due_bills(now=end + timedelta(days=2))] * 2,
    )

    assert (numbers(), len(said(billing.BillIssued))) == ([1, 2, 3, 4, 5, 6], 6)
    assert Journal.objects.filter(kind="tax_charged").count() == 6
    in_balance()


def test_a_bill_and_a_batch_of_two_kinds_of_events_do_not_wait_for_each_other(
    world: World, ana: Person, end: datetime
) -> None:
    """The batch has posted for one person, and so keeps the books open, when it comes to the one who is billed."""
    bo, posted, billed = world.person(usd="50"), Event(), Event()
    deliver(world.solved(ana, lines=10_000, completed_at=end - timedelta(days=1)))

    def batch() -> None:
        with transaction.atomic():
            deliver(world.solved(bo, lines=10, completed_at=utc_now()))
            posted.set()
            billed.wait(1)
            deliver(world.wants_training(ana, requested_at=utc_now()))

    def issue() -> Bill:
        posted.wait(20)
        bill = commands.issue_bill(owner=ana.id, until=end)
        billed.set()
        return bill

    assert at_once(batch, issue)[1].due_usd == 0
    in_balance()


def test_what_is_posted_while_the_books_would_be_closed_is_posted_before(
    world: World, ana: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A purchase that has looked at the books, and a closing of them before it posts."""
    looked, closed = Event(), Event()
    real = exchange.must_be_free

    def slowly(*facts: Any) -> None:
        looked.set()
        closed.wait(1)
        real(*facts)

    monkeypatch.setattr(exchange, "must_be_free", slowly)

    def close() -> None:
        looked.wait(20)
        commands.close_books(until=utc_now())
        closed.set()

    bought, _ = at_once(lambda: commands.buy_tokens(owner=ana.id, key="k", amount_usd="1"), close)
    assert bought.kind == "tokens_bought"
    assert bought.effective_at < PeriodClose.objects.get().until
    in_balance()


def test_a_number_whose_transaction_died_is_given_to_the_next_bill(debtors: list[Person], end: datetime) -> None:
    """The process that has its number already is killed before it commits."""
    commands.issue_bill(owner=debtors[0].id, until=end)
    _killed_before_commit(debtors[1], end)
    assert numbers() == [1]
    commands.issue_bill(owner=debtors[2].id, until=end)
    commands.issue_due_bills(now=end + timedelta(days=2))

    assert numbers() == [1, 2, 3, 4, 5, 6]
    assert Bill.objects.get(number=2).owner_id == debtors[2].id
    in_balance()


def test_a_session_that_the_database_ends_leaves_no_bill_and_no_tax(debtors: list[Person], end: datetime) -> None:
    with pytest.raises(OperationalError), transaction.atomic():
        commands.issue_bill(owner=debtors[0].id, until=end)
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")  # the application may end nobody's session
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    connection.close()

    assert (numbers(), Journal.objects.filter(kind="tax_charged").count()) == ([], 0)
    in_balance()


def test_a_bill_paid_from_two_connections_at_once_is_one_journal(
    world: World, debtors: list[Person], end: datetime
) -> None:
    ada = debtors[0]
    bill = commands.issue_bill(owner=ada.id, until=end)
    world.top_up(ada, "10")
    answers = at_once(*(lambda i=i: commands.pay_bill(owner=ada.id, key=str(i), bill_id=bill.pk) for i in range(3)))

    assert sum(isinstance(answer, BillPaid) for answer in answers) == 2
    assert (BillPayment.objects.count(), Journal.objects.filter(kind="pay_a_bill").count()) == (1, 1)
    assert (balance(ada.usd), balance(ada.owed), len(said(billing.BillPaid))) == (10 - bill.due_usd, 0, 1)
    in_balance()


def test_a_bill_and_all_that_is_owed_paid_at_once_take_the_money_once(
    world: World, debtors: list[Person], end: datetime
) -> None:
    ada = debtors[0]
    bill = commands.issue_bill(owner=ada.id, until=end)
    world.top_up(ada, "10")
    answers = at_once(
        lambda: commands.pay_bill(owner=ada.id, key="bill", bill_id=bill.pk),
        lambda: commands.pay_bill(owner=ada.id, key="all"),
    )

    assert sum(isinstance(answer, BillPaid | NothingOwed) for answer in answers) == 1
    assert (balance(ada.usd), BillPayment.objects.count()) == (10 - bill.due_usd, 1)
    in_balance()


def test_usage_that_comes_while_bills_are_issued_is_on_one_bill(world: World, end: datetime) -> None:
    """Whether it was before or after the books closed: each line is billed once."""
    person, day = world.person(), end - timedelta(days=5)
    usages = [world.solved(person, lines=1000, completed_at=day) for _ in range(8)]
    deliver(usages[0])
    at_once(
        lambda: commands.issue_bill(owner=person.id, until=end),
        *(lambda usage=usage: deliver(usage) for usage in usages[1:]),
    )
    if Journal.objects.filter(effective_at__gte=end, kind="solving").exists():
        commands.issue_bill(owner=person.id)

    billed = sum(line.count_of_lines for bill in Bill.objects.all() for line in bill.lines.filter(kind="solving"))
    assert billed == 8000
    in_balance()


def _killed_before_commit(person: Person, end: datetime) -> None:
    """Issue a bill in a process of its own, which is killed with its transaction open."""
    heard, tell = os.pipe()
    # The child has the parent's session; it must neither use it nor, by closing it, end it.
    inherited = connection.connection
    child = os.fork()
    if child == 0:
        connection.connection = None
        with transaction.atomic():
            bill = commands.issue_bill(owner=person.id, until=end)
            os.write(tell, f"{bill.number}\n".encode())
            signal.pause()
        os._exit(1)
    os.close(tell)
    assert os.read(heard, 20) == b"2\n"
    os.close(heard)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert connection.connection is inherited
