"""Two at once: what each of several connections may do alone, they cannot do twice together."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from billing import commands
from billing.commands.parties import lock_parties
from billing.models import Coupon, Hold, HoldResolution, Journal
from billing.rules.errors import CouponRefused, NothingOwed, WalletShort
from billing.tests.world import Person, World, available, balance, balances_told, in_balance
from event_bus.testing import deliver, said
from service_base.errors import Refusal
from shared_models.events import billing
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run `works` on a connection each, started together; what each returned, or the refusal it met."""
    start = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        try:
            start.wait(timeout=20)
            return work()
        except Refusal as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def test_two_holds_at_once_never_reserve_the_same_money(world: World, ana: Person) -> None:
    requests = [world.wants_training(ana, lines=600_000) for _ in range(4)]  # 60 USD each, of 100
    at_once(*(lambda request=request: deliver(request) for request in requests))

    assert Hold.objects.count() == len(said(billing.HoldAuthorized)) == 1
    assert len(said(billing.HoldDeclined)) == 3
    assert available(ana.usd) == Decimal(40)
    in_balance()


def test_one_event_handled_by_two_consumers_at_once_is_one_charge(world: World, ana: Person) -> None:
    event, solving = new_id(), world.solved(ana, lines=1000)
    at_once(*[lambda: deliver(solving, event_id=event)] * 3)

    assert balance(ana.usd) == Decimal("99.9")
    in_balance()


def test_a_capture_and_an_expiry_at_once_end_the_hold_once(world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana, lines=100_000)
    at_once(
        lambda: deliver(world.trained(wanted)),
        lambda: commands.expire_holds(now=hold.expires_at),
        lambda: deliver(world.failed(wanted)),
    )

    assert HoldResolution.objects.count() == 1
    assert balance(ana.usd) == available(ana.usd) == Decimal(90)
    in_balance()


def test_two_people_who_buy_of_each_other_at_once_do_not_wait_for_ever(world: World, ana: Person) -> None:
    ben = world.person(usd="100")
    sales = [world.solved(ana, lines=100, owner=ben) for _ in range(5)]
    sales += [world.solved(ben, lines=100, owner=ana) for _ in range(5)]
    at_once(*(lambda sale=sale: deliver(sale) for sale in sales))

    assert Journal.objects.filter(kind="solving_with_api_market").count() == 10
    in_balance()


def test_a_seller_who_is_busy_herself_holds_up_nobody_who_buys_of_her(world: World, ana: Person) -> None:
    ben = world.person(usd="100")

    def buy() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        deliver(world.solved(ana, lines=100, owner=ben))

    with transaction.atomic():
        lock_parties(ben.id)
        at_once(buy)

    assert balance(ben.earned) > 0
    in_balance()


def test_a_payment_confirmed_from_two_tabs_at_once_is_in_the_wallet_once(world: World, broke: Person) -> None:
    payment = commands.start_top_up(owner=broke.id, amount_usd="5", key="k")
    at_once(*[lambda: commands.confirm_test_payment(owner=broke.id, payment_id=payment.pk)] * 4)

    assert balance(broke.usd) == Decimal(5)
    in_balance()


def test_the_last_of_a_coupons_budget_goes_to_one_person(world: World) -> None:
    commands.create_coupon(code="last", amount="5", budget="5", valid_from=world.now)
    people = [Person() for _ in range(4)]
    answers = at_once(*(lambda p=p: commands.activate_coupon(owner=p.id, code="last", now=world.now) for p in people))

    assert sum(isinstance(answer, CouponRefused) for answer in answers) == 3
    assert Coupon.objects.get().granted == Decimal(5)
    in_balance()


def test_a_bill_paid_twice_at_once_is_paid_once(world: World) -> None:
    person = world.person()
    deliver(world.solved(person, lines=20_000))
    world.top_up(person, "10")
    answers = at_once(*(lambda i=i: commands.pay_bill(owner=person.id, key=str(i)) for i in range(3)))

    assert sum(isinstance(answer, NothingOwed) for answer in answers) == 2
    assert balance(person.usd) == Decimal(8)


def test_the_same_dollars_buy_tokens_once(world: World, ana: Person) -> None:
    answers = at_once(
        *(lambda i=i: commands.buy_tokens(owner=ana.id, key=str(i), amount_usd="60", now=world.now) for i in range(3))
    )

    assert sum(isinstance(answer, WalletShort) for answer in answers) == 2
    assert balance(ana.usd) == Decimal(40)


def test_a_person_whose_first_movements_come_at_once_gets_one_set_of_accounts(world: World) -> None:
    person = Person()
    at_once(*(lambda: deliver(world.solved(person, lines=1000)) for _ in range(4)))

    assert balance(person.owed) == Decimal("-0.4")
    assert [told.version for told in balances_told(person)] == [1, 2, 3, 4]
    in_balance()
