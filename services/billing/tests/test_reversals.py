"""Taking back: a journal once, a payment as far as it was paid, and what was spent meanwhile is owed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing import commands, queries
from billing.models import CouponLot, Journal, Payment, Payout, UnmatchedPayment
from billing.providers import Report, ReportKind
from billing.rules.errors import NotReversible, PaymentEnded, RefundTooEarly
from billing.tests.test_api import post
from billing.tests.test_races import at_once
from billing.tests.world import Person, World, balance, charge_of, in_balance
from event_bus.testing import deliver
from service_base.errors import BadInput, NotFound
from shared_models.ids import new_id


def reverse(journal: Journal) -> Journal:
    return commands.reverse_journal(journal_id=journal.pk, reason="charged by mistake")


def charged(event: Any) -> Journal:
    event_id = new_id()
    deliver(event, event_id=event_id)
    return charge_of(event_id)


def refund(payment: Payment, total: str, event: str = "e1") -> Journal | None:
    charge = payment.charge_reference or payment.reference
    report = Report(ReportKind.REFUNDED, event, charge, payment.created_at, Decimal(total), charge=charge)
    return commands.take_refund(provider=payment.provider, report=report)


def test_a_charge_that_is_reversed_gives_everything_back_once(world: World) -> None:
    person = world.person(usd="10", eaml_for_usd="0.1", coupon="2")
    journal = charged(world.solved(person, lines=5000))
    assert (balance(person.coupons), balance(person.eaml), balance(person.usd)) == (0, 0, Decimal("9.8"))
    assert reverse(journal) == reverse(journal)

    assert (balance(person.coupons), balance(person.eaml), balance(person.usd)) == (2, 1, 10)
    assert CouponLot.objects.get().remaining == Decimal(2)
    assert Journal.objects.get(kind="reversal").reverses == journal
    in_balance()


def test_credit_that_comes_back_into_a_lot_that_has_ended_expires(world: World) -> None:
    person = world.person()
    lot = world.coupon(person, "5", credit_days=1)
    journal = charged(world.solved(person, lines=2000))
    later = world.now + timedelta(days=2)
    commands.expire_coupons(now=later)
    reverse(journal)
    assert balance(person.coupons) == Decimal(2)

    assert commands.expire_coupons(now=later) == 1
    lot.refresh_from_db()
    assert (lot.remaining, balance(person.coupons)) == (0, 0)
    in_balance()


def test_a_seller_who_spent_her_income_owes_it(world: World, ana: Person) -> None:
    seller = world.person()
    journal = charged(world.solved(ana, lines=1000, owner=seller))
    commands.keep_income(owner=seller.id, key="k", amount_usd="6")
    reverse(journal)

    assert (balance(seller.earned), balance(seller.usd), balance(seller.owed)) == (0, 6, -6)
    assert balance(ana.usd) == Decimal(100)
    in_balance()


def test_what_was_owed_and_paid_since_comes_back_as_money(world: World, broke: Person) -> None:
    journal = charged(world.solved(broke, lines=20_000))  # 2 USD
    world.top_up(broke, "1.5")
    commands.pay_bill(owner=broke.id, key="k", amount_usd="1.5")
    reverse(journal)

    assert (balance(broke.owed), balance(broke.usd)) == (0, Decimal("1.5"))
    in_balance()


def test_tokens_that_were_spent_cannot_be_sold_back(world: World, ana: Person) -> None:
    journal = commands.buy_tokens(owner=ana.id, key="k", amount_usd="1", now=world.now)
    deliver(world.solved(ana, lines=4000))

    with pytest.raises(NotReversible, match="4 EAML"):
        reverse(journal)
    assert (balance(ana.eaml), balance(ana.usd)) == (6, 99)


def test_what_has_a_way_back_of_its_own_is_not_reversed(world: World, ana: Person) -> None:
    with pytest.raises(NotReversible):
        reverse(Journal.objects.get(kind="credit_from_user"))
    journal = reverse(charged(world.solved(ana, lines=1000)))
    with pytest.raises(NotReversible):
        reverse(journal)
    assert balance(ana.usd) == Decimal(100)


def test_a_reversal_needs_a_reason_and_a_journal(world: World, ana: Person) -> None:
    journal = charged(world.solved(ana, lines=1000))
    with pytest.raises(BadInput):
        commands.reverse_journal(journal_id=journal.pk, reason="  ")
    with pytest.raises(NotFound):
        commands.reverse_journal(journal_id=new_id(), reason="x")
    assert balance(ana.usd) == Decimal("99.9")


def test_operators_alone_reverse_and_the_operation_says_so(api: Any, world: World, ana: Person) -> None:
    journal = charged(world.solved(ana, lines=1000))
    path = f"ledger/journals/{journal.pk}/reverse"
    assert post(api(ana), path, {"reason": "x"}).status_code == 403
    answer = post(api(Person(), staff=True), path, {"reason": "x"})

    assert (answer.status_code, answer.json()["reverses"]) == (201, str(journal.pk))
    [solving] = api(ana).get("/api/v1/operations?kind=solving").json()["items"]
    assert solving["state"] == "reversed"


def test_a_refunded_top_up_leaves_the_wallet_and_what_was_spent_is_owed(world: World, broke: Person) -> None:
    payment = world.top_up(broke, "5").payment
    deliver(world.solved(broke, lines=20_000))  # 2 USD
    refund(payment, "5")

    payment.refresh_from_db()
    assert (payment.status, balance(broke.usd), balance(broke.owed)) == ("refunded", 0, -2)
    in_balance()


def test_reports_of_two_refunds_may_come_in_any_order_and_twice(world: World, broke: Person) -> None:
    payment = world.top_up(broke, "5").payment
    for total in ("3", "1", "3"):
        refund(payment, total)

    assert balance(broke.usd) == Decimal(2)
    assert Journal.objects.filter(kind="payment_refunded").count() == 1
    in_balance()


def test_a_refund_before_its_payment_has_nothing_to_give_back(world: World, broke: Person) -> None:
    payment = commands.start_top_up(owner=broke.id, amount_usd="5", key="k")

    with pytest.raises(RefundTooEarly):
        refund(payment, "5")
    with pytest.raises(PaymentEnded):
        commands.refund_top_up(payment_id=payment.pk)
    assert balance(broke.usd) == balance(broke.owed) == 0


def test_more_than_was_paid_is_not_given_back(world: World, broke: Person) -> None:
    payment = world.top_up(broke, "5").payment

    with pytest.raises(PaymentEnded):
        refund(payment, "5.01")
    assert balance(broke.usd) == Decimal(5)


@pytest.mark.django_db(transaction=True)
def test_a_refund_asked_for_twice_at_once_is_given_once(world: World, broke: Person) -> None:
    payment = world.top_up(broke, "5").payment
    answers = at_once(*[lambda: commands.refund_top_up(payment_id=payment.pk)] * 3)

    assert sum(isinstance(answer, PaymentEnded) for answer in answers) == 2
    assert (balance(broke.usd), balance(broke.owed)) == (0, 0)
    in_balance()


@pytest.mark.django_db(transaction=True)
def test_a_journal_reversed_twice_at_once_is_reversed_once(world: World, ana: Person) -> None:
    journal = charged(world.solved(ana, lines=1000))
    answers = at_once(*[lambda: reverse(journal)] * 3)

    assert len({answer.pk for answer in answers}) == 1
    assert balance(ana.usd) == Decimal(100)
    in_balance()


def test_operators_refund_through_the_api(api: Any, world: World, broke: Person) -> None:
    payment = world.top_up(broke, "5").payment
    path = f"topups/{payment.pk}/refund"
    assert post(api(broke), path, {}).status_code == 403
    client = api(Person(), staff=True)
    assert post(client, path, {"amount_usd": "7"}).status_code == 422
    assert post(client, path, {"amount_usd": "2"}).json()["refunded_usd"] == "2"
    assert post(client, path, {}).json()["status"] == "refunded"
    assert balance(broke.usd) == 0
    in_balance()


def _forge_a_payout(person: Person) -> str:
    commands.request_payout(owner=person.id, key="k", amount_usd="4")
    Payout.objects.update(status="paid")
    return "payouts in transit clear to zero"


def _forge_the_amount_of_a_payout(person: Person) -> str:
    payout = commands.request_payout(owner=person.id, key="k", amount_usd="4")
    commands.settle_payout(payout_id=payout.pk, paid=True)
    Payout.objects.update(amount=3)
    return "payouts have their journals"


def _forge_a_refund(person: Person) -> str:
    Payment.objects.update(refunded=1)
    return "refunds are posted"


def _lose_a_payment_in_suspense(person: Person) -> str:
    report = Report(ReportKind.PAID, "e", "cs_9", Payment.objects.get().created_at, Decimal(7), charge="pi_9")
    commands.take_report(provider="test", report=report)
    UnmatchedPayment.objects.all().delete()
    return "suspense is what nobody was found for"


@pytest.mark.parametrize(
    "forge", [_forge_a_payout, _forge_the_amount_of_a_payout, _forge_a_refund, _lose_a_payment_in_suspense]
)
def test_a_document_that_does_not_fit_the_ledger_is_the_first_difference(
    world: World, ana: Person, forge: Callable[[Person], str]
) -> None:
    seller = world.person()
    deliver(world.solved(ana, lines=1000, owner=seller))
    named = forge(seller)

    assert (queries.verify().first_difference or "").startswith(named)
