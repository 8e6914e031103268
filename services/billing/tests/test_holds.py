"""Funds are reserved before work starts, and come back when it does not use them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import commands
from billing.commands.holds import HOLD_LIFE
from billing.models import DeclinedWork, Hold, PriceList
from billing.tests.world import Person, World, available, balance, balances_told, in_balance
from event_bus.testing import deliver, said
from shared_models.events import billing
from shared_models.ids import new_id


def test_a_request_reserves_its_price_and_says_so(world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana, lines=100_000)

    assert available(ana.usd) == Decimal(90)
    assert balance(ana.usd) == Decimal(100)
    [told] = said(billing.HoldAuthorized)
    assert (told.work_id, told.hold_id, told.price_version) == (wanted.work_id, hold.pk, 1)
    assert told.parts == [billing.Part(currency="USD", amount=Decimal(10))]
    assert told.expires_at == wanted.requested_at + HOLD_LIFE


def test_a_request_beyond_the_funds_is_declined_with_what_is_missing(world: World, ana: Person) -> None:
    deliver(world.wants_training(ana, lines=1_200_000))

    [told] = said(billing.HoldDeclined)
    assert (told.reason, told.missing, told.currency) == ("funds_short", Decimal(20), "USD")
    assert available(ana.usd) == Decimal(100)


def test_somebody_whom_nobody_has_heard_of_is_declined_not_failed(world: World) -> None:
    stranger = Person()
    deliver(world.wants_training(stranger))

    assert said(billing.HoldDeclined)[0].payer_id == stranger.id


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"level": 6}, "level_not_priced"), ({"columns": -3}, "quantity_unfit"), ({"columns": 10**15}, "quantity_unfit")],
)
def test_work_without_a_price_is_declined(world: World, ana: Person, change: dict[str, int], reason: str) -> None:
    deliver(world.wants_training(ana, **change))

    assert said(billing.HoldDeclined)[0].reason == reason


def test_what_one_hold_reserves_another_cannot(world: World, ana: Person) -> None:
    world.hold(ana, lines=600_000)
    deliver(world.wants_training(ana, lines=600_000))

    assert said(billing.HoldDeclined)[0].missing == Decimal(20)


def test_the_same_work_is_answered_once_whatever_the_event_id(world: World, ana: Person) -> None:
    wanted, _ = world.hold(ana, lines=100_000)
    deliver(wanted)

    assert Hold.objects.count() == len(said(billing.HoldAuthorized)) == 1
    assert available(ana.usd) == Decimal(90)


def test_a_declined_work_stays_declined_after_a_top_up(world: World, broke: Person) -> None:
    wanted = world.wants_training(broke)
    deliver(wanted)
    world.top_up(broke, "100")
    deliver(wanted)

    assert DeclinedWork.objects.get().reason == "funds_short"
    assert not Hold.objects.exists()


def test_a_failed_work_gives_the_whole_hold_back(world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana, lines=100_000)
    deliver(world.failed(wanted))

    assert available(ana.usd) == Decimal(100)
    assert Hold.objects.get(pk=hold.pk).state == "released"


def test_a_hold_comes_back_once(world: World, ana: Person) -> None:
    wanted, _ = world.hold(ana, lines=100_000)
    deliver(world.failed(wanted))
    deliver(world.failed(wanted, cancelled=True))

    assert available(ana.usd) == Decimal(100)


def test_a_hold_expires_when_its_time_is_up_and_says_so(world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana, lines=100_000)

    assert commands.expire_holds(now=hold.expires_at - timedelta(seconds=1)) == 0
    assert commands.expire_holds(now=hold.expires_at) == 1
    assert commands.expire_holds(now=hold.expires_at) == 0
    assert available(ana.usd) == Decimal(100)
    assert [told.work_id for told in said(billing.HoldExpired)] == [wanted.work_id]


def test_a_failure_after_the_expiry_changes_nothing(world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana, lines=100_000)
    commands.expire_holds(now=hold.expires_at)
    deliver(world.failed(wanted))

    assert Hold.objects.get(pk=hold.pk).state == "expired"
    in_balance()


def test_a_hold_past_its_time_still_pays_until_it_is_swept(world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana, lines=100_000)
    deliver(world.trained(wanted, completed_at=hold.expires_at + timedelta(seconds=3)))

    assert commands.expire_holds(now=hold.expires_at + timedelta(days=1)) == 0
    assert balance(ana.usd) == Decimal(90)


def test_a_request_that_arrives_after_its_failure_reserves_nothing(world: World, ana: Person) -> None:
    wanted = world.wants_training(ana)
    deliver(world.failed(wanted))
    deliver(wanted)

    assert not Hold.objects.exists()
    assert available(ana.usd) == Decimal(100)


def test_a_request_that_arrives_after_its_charge_reserves_nothing(world: World, ana: Person) -> None:
    wanted = world.wants_training(ana, lines=100_000)
    deliver(world.trained(wanted))
    deliver(wanted)

    assert not Hold.objects.exists()
    assert available(ana.usd) == Decimal(90)


def test_a_solving_work_is_held_and_captured_by_its_lines(world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana, kind="solving", solving_lines=50_000, learning_lines=0, evaluation_lines=0)
    assert hold.quote.price_eaml == Decimal(50)
    deliver(world.solved(ana, lines=40_000, work_id=wanted.work_id))

    assert balance(ana.usd) == available(ana.usd) == Decimal(96)


def test_debts_beyond_the_limit_decline_new_work_until_the_bill_is_paid(world: World) -> None:
    person = world.person(usd="1", coupon="100")
    deliver(world.solved(person, lines=120_000))  # 100 COUPON, 1 USD, 1 USD owed
    world.top_up(person, "50")
    deliver(world.wants_training(person))
    assert (said(billing.HoldDeclined)[-1].reason, said(billing.HoldDeclined)[-1].missing) == ("bill_due", Decimal(1))

    commands.pay_bill(owner=person.id, key="bill", now=world.now)
    deliver(world.wants_training(person))
    assert Hold.objects.count() == 1


def test_a_debt_within_the_limit_declines_nothing(world: World) -> None:
    person = world.person()
    commands.set_credit_limit(owner=person.id, limit_usd="2")
    deliver(world.solved(person, lines=20_000))
    world.top_up(person, "50")
    deliver(world.wants_training(person))

    assert Hold.objects.count() == 1
    assert balances_told()[-1].credit_available == "0"


def test_a_new_price_list_leaves_a_quote_as_it_was_given(world: World, ana: Person) -> None:
    _, hold = world.hold(ana, lines=100_000)
    prices = hold.quote.price_list.prices
    commands.publish_prices(
        training_cell_eaml=Decimal(1),
        solving_line_eaml=Decimal(1),
        level_factors=prices.level_factors,
        usd_per_eaml=Decimal(1),
        marketplace_fee_basis_points=0,
    )

    assert Hold.objects.get(pk=hold.pk).quote.price_list_id == 1
    assert PriceList.objects.first().version == 2
    assert [told.version for told in said(billing.PricesPublished)] == [1, 2]


def test_a_quote_uses_the_prices_of_its_moment_not_of_its_arrival(world: World, ana: Person) -> None:
    published = PriceList.objects.get().effective_at
    commands.publish_prices(
        training_cell_eaml=Decimal(1),
        solving_line_eaml=Decimal(1),
        level_factors={"1": Decimal(1)},
        usd_per_eaml=Decimal(1),
        marketplace_fee_basis_points=0,
    )
    _, hold = world.hold(ana, requested_at=published)

    assert hold.quote.price_list_id == 1


def test_the_first_price_list_is_published_once(world: World) -> None:
    commands.publish_first_prices()

    assert PriceList.objects.count() == len(said(billing.PricesPublished)) == 1


def test_events_of_one_work_in_any_order_leave_a_ledger_that_holds(world: World, ana: Person) -> None:
    wanted = world.wants_training(ana, lines=100_000)
    events = [wanted, world.trained(wanted), world.failed(wanted)]
    for event in [*reversed(events), *events]:
        deliver(event, event_id=new_id())

    assert balance(ana.usd) == available(ana.usd) == Decimal(90)
    in_balance()
