"""The pages of market income and payments, as a browser without JavaScript sees them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from billing import commands
from billing.models import Journal, Payment, Payout, UnmatchedPayment
from billing.providers import Report, ReportKind
from billing.tests.test_pages import page
from billing.tests.world import Person, World, balance, in_balance
from event_bus.testing import deliver


@pytest.fixture
def seller(world: World, ana: Person) -> Person:
    """Somebody who earned 9 USD."""
    person = world.person()
    deliver(world.solved(ana, lines=1000, owner=person))
    return person


@pytest.fixture
def operator(browser: Any) -> Any:
    """An operator's browser."""
    return browser(Person(), staff=True)


def test_a_seller_requests_a_payout_and_an_operator_says_that_it_was_paid(
    browser: Any, seller: Person, operator: Any
) -> None:
    client = browser(seller)
    for _ in range(2):
        assert client.post("/payouts/request", {"amount_usd": "4,00", "key": "form"})["location"] == "/payouts"
    assert "5,00 USD" in (text := page(client, "/payouts"))
    assert re.search(r"4,00.*requested", text, re.S)

    payout = Payout.objects.get()
    assert str(payout.owner_id) in page(operator, "/payments")
    assert operator.post(f"/payments/payouts/{payout.pk}", {"outcome": "paid"})["location"] == "/payments"
    assert re.search(r"state good\">paid", page(client, "/payouts"))
    in_balance()


def test_each_movement_of_a_payout_tells_its_story(browser: Any, seller: Person) -> None:
    payout = commands.request_payout(owner=seller.id, key="k", amount_usd="4")
    commands.settle_payout(payout_id=payout.pk, paid=False, reason="No bank.")
    commands.keep_income(owner=seller.id, key="k", amount_usd="2")
    mine = Journal.objects.filter(postings__debit_account__owner_id=seller.id).values_list("pk", flat=True)
    said = "".join(page(browser(seller), f"/journals/{pk}") for pk in mine)

    assert "set aside for a payout" in said
    assert "are income again. No bank." in said
    assert "kept in the wallet" in said
    page(browser(seller), "/statement?account=in-transit")


def test_income_is_kept_on_the_page_and_more_than_there_is_keeps_what_was_typed(browser: Any, seller: Person) -> None:
    client = browser(seller)
    assert client.post("/income/keep", {"amount_usd": "2"})["location"] == "/payouts"
    refused = client.post("/payouts/request", {"amount_usd": "8"})

    assert (refused.status_code, balance(seller.earned)) == (402, 7)
    assert 'value="8"' in refused.content.decode()


def test_nobody_but_operators_sees_payments(browser: Any, seller: Person) -> None:
    payout = commands.request_payout(owner=seller.id, key="k", amount_usd="4")
    page(browser(seller), "/payments", status=403)

    assert browser(seller).post(f"/payments/payouts/{payout.pk}", {"outcome": "paid"}).status_code == 403
    assert browser(seller).post("/payments/reverse", {"journal_id": payout.journal_id}).status_code == 403
    assert Payout.objects.get().status == "requested"


@pytest.mark.parametrize("currency", ["USD", "JPY"])
def test_suspense_is_in_sight_until_its_owner_is_found(
    operator: Any, broke: Person, world: World, currency: str
) -> None:
    report = Report(ReportKind.PAID, "e", "cs_9", world.now, Decimal(7), currency, charge="pi_9")
    commands.take_report(provider="test", report=report)
    assert "cs_9" in page(operator, "/payments")
    path = f"/payments/suspense/{UnmatchedPayment.objects.get().pk}"

    assert operator.post(path, {"owner_id": "nobody"}).status_code == 422
    status = operator.post(path, {"owner_id": str(broke.id)}).status_code
    assert (status, balance(broke.usd)) == ((302, 7) if currency == "USD" else (409, 0))


def test_operators_give_top_ups_back_and_reverse_movements(
    browser: Any, operator: Any, world: World, broke: Person
) -> None:
    world.top_up(broke, "5")
    deliver(world.solved(broke, lines=20_000))
    journal = Journal.objects.get(kind="solving")
    assert operator.post("/payments/reverse", {"journal_id": journal.pk, "reason": "a mistake"}).status_code == 302
    assert operator.post("/payments/reverse", {"journal_id": "x", "reason": "a mistake"}).status_code == 422
    assert operator.post(f"/payments/{Payment.objects.get().pk}/refund").status_code == 302

    assert balance(broke.usd) == 0
    assert "refunded" in page(operator, "/payments")
    client = browser(broke)
    said = "".join(page(client, f"/journals/{pk}") for pk in Journal.objects.values_list("pk", flat=True))
    assert "moved back: a mistake" in said
    assert "of a top-up given back" in said
    page(client, f"/top-ups/{Payment.objects.get().pk}")


def test_a_top_up_at_stripe_leads_to_its_page_and_asks_for_no_card(browser: Any, broke: Person, settings: Any) -> None:
    settings.PAYMENT_PROVIDER, settings.STRIPE_SECRET_KEY = "stripe", "sk_test_1"
    payment = Payment.objects.create(
        owner_id=broke.id, provider="stripe", reference="cs_1", amount=5, pay_at="https://pay.example/cs_1"
    )
    text = page(browser(broke), f"/top-ups/{payment.pk}")

    assert 'href="https://pay.example/cs_1"' in text
    assert "Test money" not in text + page(browser(broke), "/")
