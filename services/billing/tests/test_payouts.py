"""Market income: kept once, paid out once, and what is in transit comes back to nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing import commands
from billing.models import Payout
from billing.providers import ProviderAway, ProviderRefused
from billing.providers.local import TestProvider
from billing.rules.accounts import payout_in_transit
from billing.rules.errors import EarnedShort, KeyConflict, PayoutEnded
from billing.tests.test_api import get, post
from billing.tests.world import Person, World, balance, in_balance
from event_bus.testing import deliver
from service_base.errors import BadInput, NotFound


@pytest.fixture
def seller(world: World, ana: Person) -> Person:
    """Somebody who earned 9 USD on the market, of 10 that her buyer paid."""
    person = world.person()
    deliver(world.solved(ana, lines=1000, owner=person))
    return person


def transit(person: Person) -> Decimal:
    return balance(payout_in_transit(person.id))


def requested(person: Person, amount: str = "4", key: str = "k") -> Payout:
    return commands.request_payout(owner=person.id, key=key, amount_usd=amount)


def test_income_is_kept_in_the_wallet_once_under_its_key(world: World, seller: Person) -> None:
    for _ in range(2):
        commands.keep_income(owner=seller.id, key="k", amount_usd="4", now=world.now)

    assert (balance(seller.earned), balance(seller.usd)) == (Decimal(5), Decimal(4))


def test_nobody_keeps_more_than_she_earned(world: World, seller: Person) -> None:
    with pytest.raises(EarnedShort) as refusal:
        commands.keep_income(owner=seller.id, key="k", amount_usd="9.01")

    assert refusal.value.facts["missing"] == "0.01"
    assert balance(seller.earned) == Decimal(9)


def test_a_requested_payout_is_in_transit_and_no_longer_earned(seller: Person) -> None:
    assert requested(seller) == requested(seller)

    assert (balance(seller.earned), transit(seller)) == (Decimal(5), Decimal(4))
    in_balance()


def test_the_same_key_over_another_amount_is_a_conflict(seller: Person) -> None:
    requested(seller, "4")

    with pytest.raises(KeyConflict):
        requested(seller, "5")
    assert transit(seller) == Decimal(4)


@pytest.mark.parametrize(("paid", "earned"), [(True, 5), (False, 9)])
def test_a_payout_that_ended_has_nothing_in_transit(seller: Person, paid: bool, earned: int) -> None:
    payout = requested(seller)
    commands.send_payouts()
    for _ in range(2):
        commands.settle_payout(payout_id=payout.pk, paid=paid)

    assert (balance(seller.earned), transit(seller)) == (Decimal(earned), Decimal(0))
    in_balance()


def test_a_payout_that_comes_back_after_it_was_paid_is_income_again(seller: Person) -> None:
    payout = requested(seller)
    commands.settle_payout(payout_id=payout.pk, paid=True)
    commands.settle_payout(payout_id=payout.pk, paid=False, reason="account closed")
    commands.settle_payout(payout_id=payout.pk, paid=True)  # told late

    payout.refresh_from_db()
    assert (payout.status, payout.reason) == ("failed", "account closed")
    assert (balance(seller.earned), transit(seller)) == (Decimal(9), Decimal(0))
    in_balance()


def test_a_provider_that_refuses_a_payout_gives_the_income_back(seller: Person, monkeypatch: Any) -> None:
    def refuse(*_: Any, **__: Any) -> str:
        raise ProviderRefused("No such account.")

    monkeypatch.setattr(TestProvider, "pay_out", refuse)
    payout = requested(seller)
    assert commands.send_payouts() == 0

    payout.refresh_from_db()
    assert (payout.status, payout.reason) == ("failed", "No such account.")
    assert balance(seller.earned) == Decimal(9)


def test_a_provider_that_is_away_is_asked_again_under_the_same_key(seller: Person, monkeypatch: Any) -> None:
    asked: list[str] = []

    def answer_the_second_time(_: Any, *, key: str, **__: Any) -> str:
        asked.append(key)
        if len(asked) == 1:
            raise ProviderAway("Not now.")
        return "r"

    monkeypatch.setattr(TestProvider, "pay_out", answer_the_second_time)
    payout = requested(seller)
    assert [commands.send_payouts(), commands.send_payouts(), commands.send_payouts()] == [0, 1, 0]

    payout.refresh_from_db()
    assert (payout.status, asked) == ("in_transit", [str(payout.pk)] * 2)


def test_only_the_test_providers_open_payouts_are_settled_by_hand(seller: Person) -> None:
    payout = requested(seller)
    commands.settle_test_payout(payout_id=payout.pk, paid=True)

    with pytest.raises(PayoutEnded):
        commands.settle_test_payout(payout_id=payout.pk, paid=False)
    with pytest.raises(NotFound):
        commands.settle_test_payout(payout_id=seller.id, paid=False)


@pytest.mark.parametrize("amount", ["-1", "0", "NaN", "9" * 40, "0.001", "EUR 5", "1e3000"])
def test_what_is_no_amount_is_a_problem_document_and_moves_nothing(api: Any, seller: Person, amount: str) -> None:
    for path in ("payouts", "income/keep"):
        answer = post(api(seller), path, {"amount_usd": amount})
        if (path, amount) != ("income/keep", "0.001"):  # the wallet takes parts of a cent, a bank does not
            assert (answer.status_code, answer["content-type"]) == (422, "application/problem+json")
            assert balance(seller.earned) == Decimal(9)
    assert not Payout.objects.exists()


def test_the_api_tells_a_payout_to_its_seller_alone(api: Any, seller: Person, broke: Person) -> None:
    client = api(seller)
    first = post(client, "payouts", {"amount_usd": "4"}, key="one")
    again = post(client, "payouts", {"amount_usd": "4"}, key="one")

    assert (first.status_code, first.json()) == (201, again.json())
    path = f"payouts/{first.json()['id']}"
    assert get(client, path).json()["status"] == "requested"
    assert [item["id"] for item in get(client, "payouts").json()["items"]] == [first.json()["id"]]
    assert get(api(broke), path).status_code == 404
    assert get(api(broke), "payouts").json()["items"] == []


def test_a_statement_names_the_account_that_income_went_through(api: Any, seller: Person) -> None:
    requested(seller)
    items = get(api(seller), "ledger/entries").json()["items"]

    assert {(entry["account"], entry["amount"]) for entry in items} == {
        ("earned", "9"),
        ("earned", "-4"),
        ("in-transit", "4"),
    }


def test_operators_alone_settle_payouts(api: Any, seller: Person) -> None:
    payout = requested(seller)
    path = f"payouts/{payout.pk}/settle"

    assert post(api(seller), path, {"paid": True}).status_code == 403
    assert post(api(Person(), staff=True), path, {"paid": True}).json()["status"] == "paid"
    assert transit(seller) == 0


def test_a_destination_that_stripe_does_not_know_the_form_of_is_refused(settings: Any, seller: Person) -> None:
    settings.PAYMENT_PROVIDER, settings.STRIPE_SECRET_KEY = "stripe", "sk_test_1"

    with pytest.raises(BadInput, match="acct_"):
        commands.request_payout(owner=seller.id, key="k", amount_usd="4", destination="DE02 1203")
    assert transit(seller) == 0
