"""Top-ups, coupons, tokens and bills: each moves money once, and never more than there is."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import commands
from billing.models import Coupon, CouponLot, Journal, Payment
from billing.rules.errors import CouponRefused, CouponUnknown, KeyConflict, NothingOwed, WalletShort
from billing.tests.world import Person, World, available, balance, balances_told, in_balance, operations_told
from event_bus.testing import deliver, said
from service_base.errors import BadInput, NotFound
from shared_models.events import billing


def test_a_provider_that_tells_twice_credits_once(world: World, broke: Person) -> None:
    for _ in range(2):
        commands.top_up(owner=broke.id, amount=Decimal(5), provider="test", reference="pay_1", at=world.now)

    assert balance(broke.usd) == Decimal(5)
    assert len(operations_told()) == 1


def test_the_same_reference_over_another_amount_is_a_conflict(world: World, broke: Person) -> None:
    commands.top_up(owner=broke.id, amount=Decimal(5), provider="test", reference="pay_1", at=world.now)

    with pytest.raises(KeyConflict):
        commands.top_up(owner=broke.id, amount=Decimal(50), provider="test", reference="pay_1", at=world.now)
    assert balance(broke.usd) == Decimal(5)


def test_nobody_confirms_another_persons_payment(world: World, ana: Person, broke: Person) -> None:
    payment = commands.start_top_up(owner=ana.id, amount_usd="5", key="k")

    with pytest.raises(NotFound):
        commands.confirm_test_payment(owner=broke.id, payment_id=payment.pk)


def test_two_people_may_use_the_same_key(world: World, ana: Person, broke: Person) -> None:
    payments = {commands.start_top_up(owner=person.id, amount_usd="5", key="k").pk for person in (ana, broke)}

    assert len(payments) == 2


def test_a_coupon_becomes_credit_paid_by_promotion(world: World, broke: Person) -> None:
    lot = world.coupon(broke, "25", credit_days=30)

    assert balance(broke.coupons) == Decimal(25)
    assert lot.expires_at == world.now + timedelta(days=30)
    [told] = said(billing.CouponActivated)
    assert (told.owner_id, told.amount, told.code) == (broke.id, Decimal(25), lot.coupon_id)


def test_a_coupon_works_once_a_person(world: World, ana: Person, broke: Person) -> None:
    commands.create_coupon(code="hello", amount="5", budget="50", valid_from=world.now)
    commands.activate_coupon(owner=ana.id, code="HELLO", now=world.now)
    commands.activate_coupon(owner=broke.id, code=" hello", now=world.now)

    with pytest.raises(CouponRefused, match="once a person"):
        commands.activate_coupon(owner=ana.id, code="Hello", now=world.now)
    assert balance(ana.coupons) == Decimal(5)


def test_a_coupon_gives_out_no_more_than_its_budget(world: World, ana: Person, broke: Person) -> None:
    commands.create_coupon(code="few", amount="5", budget="9", valid_from=world.now)
    commands.activate_coupon(owner=ana.id, code="few", now=world.now)

    with pytest.raises(CouponRefused, match="budget"):
        commands.activate_coupon(owner=broke.id, code="few", now=world.now)
    assert Coupon.objects.get().granted == Decimal(5)


@pytest.mark.parametrize(("days", "reason"), [(-1, "not valid yet"), (10, "has expired"), (11, "has expired")])
def test_a_coupon_outside_its_time_gives_nothing(world: World, ana: Person, days: int, reason: str) -> None:
    end = world.now + timedelta(days=10)
    commands.create_coupon(code="soon", amount="5", budget="50", valid_from=world.now, valid_until=end)

    with pytest.raises(CouponRefused, match=reason):
        commands.activate_coupon(owner=ana.id, code="soon", now=world.now + timedelta(days=days))


def test_a_code_that_nobody_made_is_unknown(world: World, ana: Person) -> None:
    with pytest.raises(CouponUnknown):
        commands.activate_coupon(owner=ana.id, code="nothing", now=world.now)


@pytest.mark.parametrize("code", ["", "x" * 41, "a b", "näh", "a\x00b", "'; drop table"])
def test_what_cannot_be_a_code_is_bad_input(world: World, ana: Person, code: str) -> None:
    with pytest.raises(BadInput):
        commands.activate_coupon(owner=ana.id, code=code, now=world.now)


def test_the_lot_that_lapses_first_is_spent_first_within_a_priority(world: World) -> None:
    person = world.person()
    late = world.coupon(person, "1", credit_days=90)
    early = world.coupon(person, "1", credit_days=10)
    endless = world.coupon(person, "1")
    first = world.coupon(person, "1", priority=1)
    deliver(world.solved(person, lines=2500))

    left = [CouponLot.objects.get(pk=lot.pk).remaining for lot in (first, early, late, endless)]
    assert left == [0, 0, Decimal("0.5"), 1]


def test_an_expired_lot_is_not_spent_even_before_it_is_swept(world: World) -> None:
    person = world.person(usd="1")
    world.coupon(person, "1", credit_days=1)
    deliver(world.solved(person, lines=1000, completed_at=world.now + timedelta(days=1)))

    assert balance(person.coupons) == Decimal(1)
    assert balance(person.usd) == Decimal("0.9")


def test_what_is_left_of_a_lot_goes_to_breakage_when_its_time_is_up(world: World) -> None:
    person = world.person()
    lot = world.coupon(person, "10", credit_days=1)
    deliver(world.solved(person, lines=3000))

    assert commands.expire_coupons(now=lot.expires_at) == 1
    assert commands.expire_coupons(now=lot.expires_at) == 0
    assert balance(person.coupons) == 0
    assert Journal.objects.get(kind="coupon_expired").postings.get().amount == Decimal(7)
    in_balance()


def test_what_a_hold_reserves_of_a_lot_outlives_its_end_and_lapses_when_it_comes_back(world: World) -> None:
    person = world.person()
    lot = world.coupon(person, "10", credit_days=1)
    wanted, _ = world.hold(person, lines=4000)
    commands.expire_coupons(now=lot.expires_at)
    assert balance(person.coupons) == Decimal(4)

    deliver(world.failed(wanted))
    assert commands.expire_coupons(now=lot.expires_at) == 1
    assert balance(person.coupons) == 0
    in_balance()


def test_a_hold_on_a_lot_that_has_ended_since_still_pays(world: World) -> None:
    person = world.person()
    lot = world.coupon(person, "10", credit_days=1)
    wanted, _ = world.hold(person, lines=4000)
    commands.expire_coupons(now=lot.expires_at)
    deliver(world.trained(wanted, completed_at=lot.expires_at + timedelta(hours=1)))

    assert balance(person.coupons) == balance(person.owed) == 0
    in_balance()


def test_making_the_same_coupon_twice_is_one_coupon(world: World) -> None:
    for _ in range(2):
        commands.create_coupon(code="twice", amount="5", budget="50", valid_from=world.now)
    with pytest.raises(KeyConflict):
        commands.create_coupon(code="twice", amount="6", budget="50", valid_from=world.now)

    assert Coupon.objects.count() == 1


def test_tokens_are_bought_at_the_price_lists_rate_and_pay_before_dollars(world: World, ana: Person) -> None:
    commands.buy_tokens(owner=ana.id, key="k", amount_usd="10", now=world.now)
    assert (balance(ana.usd), balance(ana.eaml)) == (Decimal(90), Decimal(100))

    deliver(world.solved(ana, lines=30_000))
    assert (balance(ana.usd), balance(ana.eaml)) == (Decimal(90), Decimal(70))


def test_buying_twice_under_one_key_buys_once(world: World, ana: Person) -> None:
    first = commands.buy_tokens(owner=ana.id, key="k", amount_usd="10", now=world.now)
    second = commands.buy_tokens(owner=ana.id, key="k", amount_usd="10", now=world.now)

    assert first == second
    assert balance(ana.eaml) == Decimal(100)


def test_held_dollars_buy_no_tokens(world: World, ana: Person) -> None:
    world.hold(ana, lines=950_000)  # 95 USD

    with pytest.raises(WalletShort) as refusal:
        commands.buy_tokens(owner=ana.id, key="k", amount_usd="10", now=world.now)
    assert refusal.value.facts["missing"] == "5"
    assert available(ana.usd) == Decimal(5)


def test_a_bill_is_paid_once_and_never_above_what_is_owed(world: World) -> None:
    person = world.person()
    deliver(world.solved(person, lines=20_000))
    world.top_up(person, "10")

    with pytest.raises(NothingOwed):
        commands.pay_bill(owner=person.id, key="a", amount_usd="2.01", now=world.now)
    commands.pay_bill(owner=person.id, key="b", amount_usd="0.5", now=world.now)
    commands.pay_bill(owner=person.id, key="c", now=world.now)
    with pytest.raises(NothingOwed):
        commands.pay_bill(owner=person.id, key="d", now=world.now)
    assert (balance(person.usd), balance(person.owed)) == (Decimal(8), 0)
    assert balances_told()[-1].last_billing_time == world.now


def test_a_bill_needs_money_in_the_wallet(world: World, broke: Person) -> None:
    deliver(world.solved(broke, lines=20_000))

    with pytest.raises(WalletShort):
        commands.pay_bill(owner=broke.id, key="a", now=world.now)
    assert balance(broke.owed) == Decimal(-2)


def test_a_started_payment_is_not_money(world: World, ana: Person) -> None:
    payment = commands.start_top_up(owner=ana.id, amount_usd="5", key="k")

    assert balance(ana.usd) == Decimal(100)
    assert Payment.objects.get(pk=payment.pk).status == "pending"
