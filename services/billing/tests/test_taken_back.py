"""What is taken back counts as if it had not been: bills, income, refunds that meet their payment on its way."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction

from billing import commands, queries
from billing.models import Bill, DeclinedWork, Journal, Payment, Payout, ProviderReport, UnmatchedPayment
from billing.providers import Report, ReportKind
from billing.rules.bills import month_of
from billing.rules.errors import PayoutEnded, RefundTooEarly
from billing.tests.test_api import get
from billing.tests.world import Person, World, balance
from event_bus.testing import deliver
from shared_models.clock import utc_now

pytestmark = pytest.mark.django_db(transaction=True)


def the_second(first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    """What `second` gives or raises, begun while `first` has done its work and not committed it."""
    done = Event()

    def holding() -> None:
        try:
            with transaction.atomic():
                first()
                done.set()
                time.sleep(0.5)
        finally:
            connection.close()

    def meeting() -> Any:
        assert done.wait(10)
        try:
            return second()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        held, met = threads.submit(holding), threads.submit(meeting)
        held.result()
        return met.result()


def owing(world: World) -> tuple[Person, Bill]:
    """Somebody with a bill over ten dollars, and the dollars to pay it."""
    person, end = world.person(), month_of(utc_now())
    deliver(world.solved(person, lines=100_000, completed_at=end - timedelta(days=5)))
    bill = commands.issue_bill(owner=person.id, until=end)
    payment = commands.start_top_up(owner=person.id, amount_usd="30", key="z")
    commands.confirm_test_payment(owner=person.id, payment_id=payment.pk)
    return person, bill


def paid_whole(world: World, person: Person, bill: Bill) -> None:
    assert queries.seen(bill).open_usd == bill.due_usd == -balance(person.owed) == 10
    commands.pay_bill(owner=person.id, key="bill", bill_id=bill.pk)
    assert balance(person.owed) == 0
    assert queries.seen(queries.bills_of(person.id).get()).state == "paid"
    deliver(world.wants_training(person, requested_at=utc_now()))
    assert not DeclinedWork.objects.filter(reason="bill_due").exists()
    assert queries.verify().ok


def test_a_part_payment_that_was_taken_back_paid_nothing_of_the_bill(world: World) -> None:
    person, bill = owing(world)
    part = commands.pay_bill(owner=person.id, key="half", amount_usd="4")
    assert queries.seen(bill).open_usd == 6
    commands.reverse_journal(journal_id=part.pk, reason="by mistake")
    paid_whole(world, person, bill)


def test_a_later_charge_that_was_taken_back_paid_nothing_of_the_bill(world: World) -> None:
    person, end = world.person(), month_of(utc_now())
    deliver(world.solved(person, lines=100_000, completed_at=end - timedelta(days=5)))
    bill = commands.issue_bill(owner=person.id, until=end)
    deliver(world.solved(person, lines=40_000, completed_at=utc_now()))
    later = Journal.objects.order_by("recorded_at").last()
    assert later is not None
    commands.reverse_journal(journal_id=later.pk, reason="a bad machine")
    payment = commands.start_top_up(owner=person.id, amount_usd="30", key="z")
    commands.confirm_test_payment(owner=person.id, payment_id=payment.pk)
    paid_whole(world, person, bill)


def test_income_that_was_kept_and_given_back_is_earned_once(api: Any, world: World, ana: Person) -> None:
    seller = world.person()
    deliver(world.solved(ana, lines=1000, owner=seller))
    earned = balance(seller.earned)
    kept = commands.keep_income(owner=seller.id, key="k", amount_usd="4")
    commands.reverse_journal(journal_id=kept.pk, reason="by mistake")
    items = get(api(seller), "income?by=all").json()["items"]
    assert sum(Decimal(item["amount_usd"]) for item in items) == earned == balance(seller.earned)


def test_a_refund_waits_for_a_payment_that_is_given_to_its_owner_this_moment(world: World, broke: Person) -> None:
    paid = Report(ReportKind.PAID, "e1", "cs_9", world.now, Decimal(7), "USD", charge="pi_9")
    commands.take_report(provider="stripe", report=paid)
    refund = Report(ReportKind.REFUNDED, "e2", "pi_9", world.now, Decimal(7), "USD", charge="pi_9")
    unmatched = UnmatchedPayment.objects.get()

    def assign() -> None:
        commands.assign_payment(unmatched_id=unmatched.pk, owner=broke.id)

    def give_back() -> Any:
        return commands.take_report(provider="stripe", report=refund)

    assert isinstance(the_second(assign, give_back), RefundTooEarly)
    assert ProviderReport.objects.count() == 1  # so that the provider tells it again
    give_back()
    assert Payment.objects.get().status == "refunded"
    assert balance(broke.usd) + balance(broke.owed) == 0
    assert queries.verify().ok


def test_a_test_payout_is_settled_by_whoever_is_first(world: World, ana: Person) -> None:
    seller = world.person()
    deliver(world.solved(ana, lines=1000, owner=seller))
    payout = commands.request_payout(owner=seller.id, key="k", amount_usd="4")
    commands.send_payouts()

    def settle(paid: bool) -> Callable[[], Payout]:
        return lambda: commands.settle_test_payout(payout_id=payout.pk, paid=paid)

    assert isinstance(the_second(settle(True), settle(False)), PayoutEnded)
    assert Payout.objects.get().status == "paid"
