"""A purchase of another person's lines, copy or news: held, paid to its seller less the fee, or given back; once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from billing import commands, queries
from billing.models import Hold, HoldResolution, Journal, Operation
from billing.rules.accounts import Purpose, of_platform
from billing.rules.kinds import PURCHASES
from billing.rules.pricing import sale
from billing.tests.test_races import at_once
from billing.tests.world import Person, World, available, balance, charge_of, in_balance, operations_told, postings
from event_bus.testing import deliver, said
from shared_models.events import billing, ml
from shared_models.ids import new_id
from shared_models.money import LARGEST, SMALLEST, Currency, plain

FEE = of_platform(Purpose.MARKETPLACE_FEE, Currency.USD)


@pytest.fixture
def ben(world: World) -> Person:
    """A seller without money."""
    return world.person()


def bought(world: World, request: ml.PurchaseRequested, **changes: object) -> Journal:
    """The journal of a purchase that was asked for and delivered."""
    event = new_id()
    deliver(request)
    deliver(world.delivered(request, **changes), event_id=event)
    return charge_of(event)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", PURCHASES)
def test_the_buyer_pays_the_seller_and_the_platform_keeps_its_fee(
    world: World, ana: Person, ben: Person, kind: str
) -> None:
    journal = bought(world, world.wants_to_buy(ana, ben, kind=kind))

    fee = Decimal(5) * commands.publish_first_prices().marketplace_fee_basis_points / 10_000
    assert postings(journal) == [(ana.usd.id, ben.earned.id, 5 - fee), (ana.usd.id, FEE.id, fee)]
    assert (journal.kind, available(ana.usd), balance(ben.earned)) == (kind, Decimal(95), 5 - fee)
    operation = Operation.objects.get(journal=journal)
    assert operation.flags()[f"is_{kind}_operation"]
    assert (operation.machine_owner_id, operation.operation_user_id) == (ben.id, ana.id)
    in_balance()


@pytest.mark.django_db
def test_the_price_is_held_from_the_request_on_and_paid_at_the_delivery(world: World, ana: Person, ben: Person) -> None:
    request = world.wants_to_buy(ana, ben, price="60")
    deliver(request)
    assert (available(ana.usd), balance(ana.usd)) == (Decimal(40), Decimal(100))
    assert [(event.work_id, event.parts[0].amount) for event in said(billing.HoldAuthorized)] == [
        (request.purchase_id, Decimal(60))
    ]
    deliver(world.delivered(request))
    assert (available(ana.usd), balance(ana.usd)) == (Decimal(40), Decimal(40))
    assert Hold.objects.get(work_id=request.purchase_id).state == "captured"


@pytest.mark.django_db
def test_a_purchase_that_failed_costs_nothing(world: World, ana: Person, ben: Person) -> None:
    request = world.wants_to_buy(ana, ben)
    deliver(request)
    deliver(world.not_delivered(request))

    assert (available(ana.usd), balance(ben.earned)) == (Decimal(100), 0)
    assert Hold.objects.get().state == "released"
    in_balance()


@pytest.mark.django_db
def test_a_purchase_beyond_her_dollars_is_declined_with_what_is_missing(world: World, ben: Person) -> None:
    poor = world.person(usd="3", eaml_for_usd="50", coupon="50")
    deliver(world.wants_to_buy(poor, ben, price="5"))

    assert [(event.reason, event.missing) for event in said(billing.HoldDeclined)] == [("funds_short", Decimal(2))]
    assert available(poor.usd) == Decimal(3)
    in_balance()


@pytest.mark.django_db
def test_who_has_a_bill_due_buys_nothing(world: World, ben: Person) -> None:
    debtor = world.person()
    deliver(world.solved(debtor, lines=1000))
    world.top_up(debtor, "50")
    owed = balance(debtor.owed)
    deliver(world.wants_to_buy(debtor, ben))

    assert (said(billing.HoldDeclined)[-1].reason == "bill_due") == (owed < 0)
    in_balance()


@pytest.mark.django_db
def test_a_seller_cannot_buy_from_herself(world: World, ana: Person) -> None:
    deliver(world.wants_to_buy(ana, ana))

    assert [event.reason for event in said(billing.HoldDeclined)] == ["own_machine"]
    assert (available(ana.usd), Hold.objects.count()) == (Decimal(100), 0)
    in_balance()


@pytest.mark.django_db
def test_a_gift_is_recorded_and_moves_nothing(world: World, broke: Person, ben: Person) -> None:
    journal = bought(world, world.wants_to_buy(broke, ben, price="0"))

    assert postings(journal) == []
    assert [one.parts for one in operations_told()] == [[]]
    in_balance()


@pytest.mark.django_db
def test_a_purchase_told_twice_is_paid_once(world: World, ana: Person, ben: Person) -> None:
    request = world.wants_to_buy(ana, ben)
    delivered = world.delivered(request)
    for event in (request, request, delivered, delivered):
        deliver(event)
    deliver(request)

    assert (available(ana.usd), Journal.objects.filter(kind="machine_copy").count()) == (Decimal(95), 1)
    in_balance()


@pytest.mark.django_db
def test_the_same_purchase_with_another_price_is_set_aside_and_changes_nothing(
    world: World, ana: Person, ben: Person
) -> None:
    request = world.wants_to_buy(ana, ben)
    bought(world, request)
    handled = deliver(world.delivered(request, price_usd="50"))

    assert handled.parked == 1
    assert available(ana.usd) == Decimal(95)


@pytest.mark.django_db
def test_a_delivery_after_its_hold_expired_is_paid_all_the_same(world: World, ana: Person, ben: Person) -> None:
    request = world.wants_to_buy(ana, ben)
    deliver(request)
    commands.expire_holds(now=world.now + timedelta(days=2))
    deliver(world.delivered(request))

    assert available(ana.usd) == Decimal(95)
    assert [event.work_id for event in said(billing.HoldExpired)] == [request.purchase_id]
    in_balance()


@pytest.mark.django_db
def test_the_fee_is_that_of_the_moment_of_the_request(world: World, ana: Person, ben: Person) -> None:
    before = commands.publish_first_prices()
    request = world.wants_to_buy(ana, ben)
    deliver(request)
    commands.publish_prices(
        training_cell_eaml=before.training_cell_eaml,
        solving_line_eaml=before.solving_line_eaml,
        level_factors=before.prices.level_factors,
        usd_per_eaml=before.usd_per_eaml,
        marketplace_fee_basis_points=5000,
    )
    deliver(world.delivered(request))

    assert balance(ben.earned) == 5 - Decimal(5) * before.marketplace_fee_basis_points / 10_000


@pytest.mark.django_db
@pytest.mark.parametrize("price", ["NaN", "Infinity", "1e40", "9" * 40, "0.000000001", 1.5, True])
def test_what_is_no_money_is_no_price(world: World, ana: Person, ben: Person, price: object) -> None:
    with pytest.raises(ValidationError):
        world.wants_to_buy(ana, ben, price=price)  # type: ignore[arg-type]


@pytest.mark.django_db
@pytest.mark.parametrize("price", ["-5", "-0.00000001"])
def test_a_negative_price_is_declined(world: World, ana: Person, ben: Person, price: str) -> None:
    deliver(world.wants_to_buy(ana, ben, price=price))

    assert [event.reason for event in said(billing.HoldDeclined)] == ["quantity_unfit"]
    assert available(ana.usd) == Decimal(100)
    in_balance()


@pytest.mark.django_db
@pytest.mark.parametrize("price", [plain(SMALLEST), plain(LARGEST)])
def test_the_smallest_and_the_largest_price_are_paid_to_the_last_place(world: World, ben: Person, price: str) -> None:
    rich = world.person(usd="1")
    request = world.wants_to_buy(rich, ben, price=price)
    deliver(request)
    deliver(world.delivered(request))  # what the hold did not get is owed
    fee = sum(amount for _, credit, amount in postings(Journal.objects.get(kind="machine_copy")) if credit == FEE.id)

    assert balance(ben.earned) + fee == Decimal(price)
    in_balance()


@given(price=st.decimals(0, LARGEST, places=8), fee=st.integers(0, 10_000))
def test_what_seller_and_platform_get_is_what_the_buyer_pays(price: Decimal, fee: int) -> None:
    sold = sale(lines=1, price_usd=price, fee_basis_points=fee)
    assert sold.net + sold.fee == sold.gross == price
    assert min(sold.net, sold.fee) >= 0


@pytest.mark.django_db(transaction=True)
def test_two_purchases_at_once_never_hold_the_same_dollars(world: World, ana: Person) -> None:
    ben = world.person()
    requests = [world.wants_to_buy(ana, ben, price="60") for _ in range(4)]
    at_once(*(lambda request=request: deliver(request) for request in requests))

    assert len(said(billing.HoldAuthorized)) == Hold.objects.count() == 1
    assert len(said(billing.HoldDeclined)) == 3
    assert available(ana.usd) == Decimal(40)
    in_balance()


@pytest.mark.django_db(transaction=True)
def test_a_delivery_and_a_cancellation_at_once_end_the_hold_once(world: World, ana: Person) -> None:
    ben = world.person()
    request = world.wants_to_buy(ana, ben)
    deliver(request)
    hold = Hold.objects.get()
    at_once(
        lambda: deliver(world.delivered(request)),
        lambda: deliver(world.not_delivered(request)),
        lambda: commands.expire_holds(now=hold.expires_at),
    )

    assert HoldResolution.objects.count() == 1
    assert available(ana.usd) == balance(ana.usd) == Decimal(95)
    in_balance()


@pytest.mark.django_db(transaction=True)
def test_two_people_who_buy_of_each_other_at_once_both_get_through(world: World, ana: Person) -> None:
    ben = world.person(usd="100")
    requests = [world.wants_to_buy(a, b) for a, b in ((ana, ben), (ben, ana)) for _ in range(4)]
    for request in requests:
        deliver(request)
    at_once(*(lambda request=request: deliver(world.delivered(request)) for request in requests))

    assert Journal.objects.filter(kind="machine_copy").count() == 8
    assert balance(ana.earned) == balance(ben.earned)
    in_balance()


@pytest.mark.django_db
def test_a_purchase_can_be_taken_back_by_an_operator(world: World, ana: Person, ben: Person) -> None:
    journal = bought(world, world.wants_to_buy(ana, ben))
    commands.reverse_journal(journal_id=journal.pk, reason="The lines were not hers to sell.", now=world.now)

    assert (available(ana.usd), balance(ben.earned)) == (Decimal(100), 0)
    in_balance()


@pytest.mark.django_db
def test_verify_counts_purchases_among_the_usage(world: World, ana: Person, ben: Person) -> None:
    bought(world, world.wants_to_buy(ana, ben))

    assert queries.verify().usage_events == {ml.PurchaseCompleted.TYPE: 1}


@pytest.mark.django_db
def test_buyer_and_seller_read_each_her_side_of_the_sale(
    world: World, ana: Person, ben: Person, browser: Callable[..., Client]
) -> None:
    request = world.wants_to_buy(ana, ben)
    journal = bought(world, request)
    hers = browser(ana).get(f"/journals/{journal.pk}").content.decode()
    his = browser(ben).get(f"/journals/{journal.pk}").content.decode()

    assert "Bought a copy of wine" in hers
    assert f"/purchases/{request.purchase_id}" in hers
    assert "Sold a copy of wine" in his
    assert str(request.purchase_id) not in his
    assert "Market sale" in his


@pytest.mark.django_db
def test_the_quote_of_a_purchase_says_its_price_in_dollars(
    world: World, ana: Person, ben: Person, api: Callable[..., Client]
) -> None:
    deliver(world.wants_to_buy(ana, ben, price="12.5"))
    found = api(ana).get("/api/v1/quotes").json()["items"]

    assert [(quote["kind"], quote["price_usd"], quote["price_eaml"]) for quote in found] == [
        ("machine_copy", "12.5", "0")
    ]
    assert UUID(found[0]["work_id"])
