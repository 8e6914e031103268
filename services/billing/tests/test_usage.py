"""Usage becomes a charge: from the hold, from free funds, or as a debt; once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from billing import commands
from billing.models import Hold, Journal, Operation, Usage
from billing.rules.accounts import Purpose, of_platform
from billing.tests.world import Person, World, available, balance, balances_told, charge_of, operations_told, postings
from event_bus.testing import deliver
from shared_models.ids import new_id
from shared_models.money import Currency

REVENUE_USD = of_platform(Purpose.REVENUE, Currency.USD)


def test_a_training_is_captured_from_its_hold_and_the_rest_is_free_again(world: World, ana: Person) -> None:
    wanted, _ = world.hold(ana, lines=100_000)  # 100 EAML = 10 USD
    event = new_id()
    deliver(world.trained(wanted, lines=60_000), event_id=event)

    assert postings(charge_of(event)) == [(ana.usd.id, REVENUE_USD.id, Decimal(6))]
    assert available(ana.usd) == balance(ana.usd) == Decimal(94)
    assert Hold.objects.get(work_id=wanted.work_id).state == "captured"


def test_a_charge_above_the_hold_is_paid_from_free_funds_first(world: World, ana: Person) -> None:
    wanted, _ = world.hold(ana, lines=100_000)
    deliver(world.trained(wanted, lines=150_000))

    assert balance(ana.usd) == Decimal(85)
    assert balance(ana.owed) == 0


def test_a_charge_above_the_hold_and_all_funds_becomes_a_receivable(world: World) -> None:
    person = world.person(usd="10")
    wanted, _ = world.hold(person, lines=100_000)
    event = new_id()
    deliver(world.trained(wanted, lines=122_500), event_id=event)

    assert postings(charge_of(event)) == [
        (person.usd.id, REVENUE_USD.id, Decimal(10)),
        (person.owed.id, REVENUE_USD.id, Decimal("2.25")),
    ]
    assert balance(person.usd) == 0
    assert balance(person.owed) == Decimal("-2.25")


def test_coupons_are_spent_first_then_tokens_then_dollars(world: World) -> None:
    person = world.person(usd="10", eaml_for_usd="3", coupon="20")  # 20 COUPON, 30 EAML, 10 USD = 100 EAML
    deliver(world.solved(person, lines=60_000))

    assert (balance(person.coupons), balance(person.eaml), balance(person.usd)) == (0, 0, Decimal(9))


def test_a_solving_that_nobody_can_pay_is_owed_not_refused(world: World, broke: Person) -> None:
    deliver(world.solved(broke, lines=5000))

    assert balance(broke.owed) == Decimal("-0.5")


def test_the_same_event_twice_is_one_charge(world: World, ana: Person) -> None:
    event, solving = new_id(), world.solved(ana, lines=1000)
    deliver(solving, event_id=event)
    deliver(solving, event_id=event)

    assert balance(ana.usd) == Decimal("99.9")
    assert Usage.objects.count() == 1


def test_the_same_usage_under_two_event_ids_is_one_charge(world: World, ana: Person) -> None:
    solving = world.solved(ana, lines=1000)
    deliver(solving)
    deliver(solving)

    assert balance(ana.usd) == Decimal("99.9")
    assert Usage.objects.values("journal").distinct().count() == 1
    assert Usage.objects.count() == 2


def test_the_same_usage_with_other_figures_is_parked_and_charges_nothing_more(world: World, ana: Person) -> None:
    solving = world.solved(ana, lines=1000)
    deliver(solving)
    outcome = deliver(solving.model_copy(update={"lines": 9000}))

    assert outcome.parked == 1
    assert balance(ana.usd) == Decimal("99.9")


def test_a_market_call_pays_the_owner_less_the_fee_and_the_platform_its_solving(world: World, ana: Person) -> None:
    owner = world.person()
    event = new_id()
    deliver(world.solved(ana, lines=100, owner=owner), event_id=event)  # 0.1 EAML, and 100 × 0.01 USD

    fee = of_platform(Purpose.MARKETPLACE_FEE, Currency.USD)
    assert postings(charge_of(event)) == [
        (ana.usd.id, REVENUE_USD.id, Decimal("0.01")),
        (ana.usd.id, owner.earned.id, Decimal("0.9")),
        (ana.usd.id, fee.id, Decimal("0.1")),
    ]
    assert balance(owner.earned) == Decimal("0.9")


def test_the_owner_on_the_market_is_paid_in_full_by_a_caller_without_funds(world: World, broke: Person) -> None:
    owner = world.person()
    deliver(world.solved(broke, lines=100, owner=owner))

    assert balance(owner.earned) == Decimal("0.9")
    assert balance(broke.owed) == Decimal("-1.01")


def test_a_batch_on_the_market_is_captured_from_its_hold_and_its_owner_is_paid(world: World, ana: Person) -> None:
    owner = world.person()
    wanted, _ = world.hold(
        ana, kind="solving", solving_lines=5000, learning_lines=0, evaluation_lines=0, machine_owner_id=owner.id
    )
    deliver(world.solved(ana, lines=4000, owner=owner, work_id=wanted.work_id))

    assert balance(ana.usd) == available(ana.usd) == Decimal("59.6")  # 0.40 to the platform, 40 to the owner
    assert balance(owner.earned) == Decimal(36)
    assert Hold.objects.get(work_id=wanted.work_id).state == "captured"


def test_coupons_do_not_pay_other_people(world: World) -> None:
    person, owner = world.person(usd="1", coupon="50"), world.person()
    deliver(world.solved(person, lines=100, owner=owner))

    assert balance(person.coupons) == Decimal("49.9")
    assert balance(person.usd) == 0


def test_calling_her_own_machine_through_the_market_buys_nothing_from_herself(world: World, ana: Person) -> None:
    deliver(world.solved(ana, lines=1000, owner=ana))

    assert balance(ana.usd) == Decimal("99.9")
    assert Operation.objects.filter(kind="solving_with_api").count() == 1


def test_a_usage_of_nothing_has_its_journal_too(world: World, ana: Person) -> None:
    event = new_id()
    deliver(world.solved(ana, lines=0), event_id=event)

    assert postings(charge_of(event)) == []
    assert balance(ana.usd) == Decimal(100)


def test_a_training_that_ends_after_its_hold_expired_is_charged_all_the_same(world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana, lines=100_000)
    assert commands.expire_holds(now=hold.expires_at) == 1
    deliver(world.trained(wanted))

    assert balance(ana.usd) == Decimal(90)
    assert Hold.objects.get(pk=hold.pk).state == "expired"


def test_a_training_that_ends_although_it_was_cancelled_is_charged(world: World, ana: Person) -> None:
    wanted, _ = world.hold(ana, lines=100_000)
    deliver(world.failed(wanted, cancelled=True))
    deliver(world.trained(wanted))

    assert balance(ana.usd) == available(ana.usd) == Decimal(90)


def test_a_late_cancellation_does_not_undo_a_charge(world: World, ana: Person) -> None:
    wanted, _ = world.hold(ana, lines=100_000)
    deliver(world.trained(wanted))
    deliver(world.failed(wanted, cancelled=True))

    assert balance(ana.usd) == available(ana.usd) == Decimal(90)


def test_a_captured_training_keeps_the_prices_of_its_quote(world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana, lines=100_000)
    prices = hold.quote.price_list.prices
    commands.publish_prices(
        training_cell_eaml=prices.training_cell_eaml * 7,
        solving_line_eaml=prices.solving_line_eaml,
        level_factors=prices.level_factors,
        usd_per_eaml=prices.usd_per_eaml,
        marketplace_fee_basis_points=0,
    )
    deliver(world.trained(wanted, completed_at=world.now + timedelta(days=400)))

    assert balance(ana.usd) == Decimal(90)


def test_a_usage_says_which_event_caused_it_and_who_paid_what(world: World) -> None:
    person = world.person(usd="1", coupon="1")
    event = new_id()
    deliver(world.solved(person, lines=2000), event_id=event)

    [_, posted] = operations_told()
    assert posted.cause == str(event)
    assert [(part.currency, part.amount) for part in posted.parts] == [("COUPON", "1"), ("USD", "0.1")]
    assert Journal.objects.get(pk=posted.journal_id).kind == "solving"


def test_balances_are_published_with_a_growing_version(world: World) -> None:
    person = world.person(usd="1")
    deliver(world.solved(person, lines=1000))

    told = balances_told(person)
    assert [one.version for one in told] == [1, 2]
    assert told[-1].user_balance == told[-1].usd_available == "0.9"
