"""Stripe, against a stand-in that speaks its API: asked once, believed only when signed, heard once in any order."""

from __future__ import annotations

from collections.abc import Callable, Generator
from decimal import Decimal
from itertools import permutations
from time import time
from typing import Any

import pytest
from django.test import Client

from billing import commands
from billing.models import Journal, Payment, Payout, ProviderReport, UnmatchedPayment
from billing.providers import ProviderAway
from billing.rules.accounts import payout_in_transit
from billing.rules.errors import KeyConflict, PaymentEnded
from billing.tests.stripe_stand_in import StandIn, signed, stand_in
from billing.tests.test_api import get, post
from billing.tests.test_races import at_once
from billing.tests.world import Person, World, balance, in_balance
from event_bus.testing import deliver

Tell = Callable[..., Any]


@pytest.fixture
def stripe(settings: Any) -> Generator[StandIn]:
    """Stripe is the provider, and the stand-in is Stripe."""
    with stand_in() as found:
        settings.PAYMENT_PROVIDER = "stripe"
        settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_test_1", "whsec_of_the_stand_in"
        settings.STRIPE_API_BASE = found.url
        yield found


@pytest.fixture
def tell(stripe: StandIn, client: Client, world: World) -> Tell:
    """Sends an event as Stripe does; what we answer."""

    def send(event: Any, **how: Any) -> Any:
        body, signature = signed(event, **how)
        return raw(client, body, signature)

    return send


def raw(client: Client, body: str | bytes, signature: str) -> Any:
    headers = {"stripe-signature": signature}
    return client.post("/api/v1/webhooks/stripe", body, content_type="application/json", headers=headers)


@pytest.fixture
def begun(stripe: StandIn, broke: Person) -> Payment:
    """A top-up of 5 USD that waits for its payment."""
    return commands.start_top_up(owner=broke.id, amount_usd="5", key="k")


def test_a_started_top_up_says_where_to_pay_and_asks_once(stripe: StandIn, broke: Person, begun: Payment) -> None:
    again = commands.start_top_up(owner=broke.id, amount_usd="5", key="k")

    assert (again.pay_at, again.reference) == ("https://pay.example/cs_1", "cs_1")
    [(path, form)] = stripe.asked
    assert (path, form["line_items[0][price_data][unit_amount]"]) == ("/v1/checkout/sessions", "500")


def test_asking_again_after_our_side_forgot_leads_to_the_same_payment(stripe: StandIn, begun: Payment) -> None:
    owner = begun.owner_id
    begun.delete()
    again = commands.start_top_up(owner=owner, amount_usd="5", key="k")

    assert (again.reference, len(stripe.asked), len(stripe.answers)) == ("cs_1", 2, 1)


def test_a_provider_that_is_down_leaves_no_payment(stripe: StandIn, broke: Person, api: Any) -> None:
    stripe.is_down = True
    with pytest.raises(ProviderAway):
        commands.start_top_up(owner=broke.id, amount_usd="5", key="k")
    answer = post(api(broke), "topups", {"amount_usd": "5"}, key="k")
    assert (answer.status_code, answer["content-type"]) == (503, "application/problem+json")
    assert not Payment.objects.exists()

    stripe.is_down = False
    assert post(api(broke), "topups", {"amount_usd": "5"}, key="k").json()["pay_at"] == "https://pay.example/cs_1"


def test_a_paid_session_is_in_the_wallet_once_however_often_it_is_told(
    stripe: StandIn, tell: Tell, broke: Person, begun: Payment
) -> None:
    event = stripe.paid("cs_1", 500)
    answers = [tell(event), tell(event), tell(stripe.paid("cs_1", 500))]  # the last under another event id

    assert [answer.status_code for answer in answers] == [200] * 3
    assert balance(broke.usd) == Decimal(5)
    in_balance()


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_payment_failure_and_refunds_end_the_same_in_any_order(
    stripe: StandIn, tell: Tell, broke: Person, begun: Payment, order: tuple[int, ...]
) -> None:
    expired = stripe.event("checkout.session.expired", stripe.paid("cs_1", 500)["data"]["object"])
    events = [stripe.paid("cs_1", 500), expired, stripe.refunded("cs_1", 100), stripe.refunded("cs_1", 300)]
    waiting = [events[place] for place in order] * 2
    while waiting:  # as Stripe does: what we refuse comes again
        event = waiting.pop(0)
        if tell(event).status_code != 200:
            waiting.append(event)

    begun.refresh_from_db()
    assert (begun.status, begun.refunded, balance(broke.usd)) == ("succeeded", Decimal(3), Decimal(2))
    in_balance()


def test_a_refund_before_its_payment_is_refused_and_not_noted(stripe: StandIn, tell: Tell, begun: Payment) -> None:
    answer = tell(stripe.refunded("cs_1", 500))

    assert (answer.status_code, answer["content-type"]) == (409, "application/problem+json")
    assert not ProviderReport.objects.exists()
    assert not Journal.objects.exists()


@pytest.mark.parametrize(
    "signature",
    ["", "t=1,v1=00", "v1=", "t=x,v1=y", "garbage", "t=9999999999,v1=" + "0" * 64, "of another secret", "too old"],
)
def test_without_its_signature_a_message_changes_nothing(
    stripe: StandIn, client: Client, begun: Payment, signature: str
) -> None:
    body, valid = signed(stripe.paid("cs_1", 500))
    if signature == "of another secret":
        body, signature = signed(body, secret="whsec_guessed")
    elif signature == "too old":
        body, signature = signed(body, at=int(time()) - 3600)
    answer = raw(client, body, signature)

    assert (answer.status_code, answer["content-type"]) == (400, "application/problem+json")
    assert not Journal.objects.exists()
    assert not ProviderReport.objects.exists()
    assert raw(client, body + " ", valid).status_code == 400
    assert raw(client, b"\xff\xfe", valid).status_code == 400
    assert begun.status == "pending"


def test_no_secret_means_no_message_is_believed(settings: Any, stripe: StandIn, client: Client, begun: Payment) -> None:
    settings.STRIPE_WEBHOOK_SECRET = ""
    body, signature = signed(stripe.paid("cs_1", 500), secret="")

    assert raw(client, body, signature).status_code == 400
    assert not Journal.objects.exists()


@pytest.mark.parametrize(
    "body", ["{}", "[]", "7", "{", '{"id": "evt", "type": "charge.refunded", "created": 1, "data": {"object": {}}}']
)
def test_a_signed_message_that_is_no_event_is_a_problem_document(tell: Tell, body: str) -> None:
    assert tell(body).status_code == 422
    assert not Journal.objects.exists()


@pytest.mark.parametrize("cents", [-500, 5.5, "500", None, True, "NaN"])
def test_a_signed_amount_that_is_none_changes_nothing(stripe: StandIn, tell: Tell, begun: Payment, cents: Any) -> None:
    assert tell(stripe.paid("cs_1", cents)).status_code == 422
    assert not Journal.objects.exists()


def test_an_event_that_is_nothing_to_us_is_taken_without_a_trace(stripe: StandIn, tell: Tell) -> None:
    assert tell(stripe.event("customer.created", {})).json() == {"taken": False}
    assert tell(stripe.paid("cs_1", 500, payment_status="unpaid")).json() == {"taken": False}
    assert not ProviderReport.objects.exists()


def test_a_payment_nobody_began_waits_in_suspense_until_an_operator_finds_its_owner(
    stripe: StandIn, tell: Tell, api: Any, broke: Person
) -> None:
    tell(stripe.paid("cs_9", 700))
    tell(stripe.paid("cs_9", 700))
    in_balance()
    operator = api(Person(), staff=True)
    [found] = get(operator, "suspense").json()["items"]
    assert (found["amount"], found["open"], Journal.objects.get().kind) == ("7", True, "payment_unmatched")
    assert get(api(broke), "suspense").status_code == 403

    for _ in range(2):
        post(operator, f"suspense/{found['id']}/assign", {"owner_id": str(broke.id)})
    assert balance(broke.usd) == Decimal(7)
    in_balance()
    tell(stripe.refunded("cs_9", 700))
    assert balance(broke.usd) == 0
    in_balance()


def test_a_payment_over_another_amount_waits_in_suspense_for_its_own_person(
    stripe: StandIn, tell: Tell, world: World, broke: Person, begun: Payment
) -> None:
    tell(stripe.paid("cs_1", 400))
    unmatched = UnmatchedPayment.objects.get()
    assert (balance(broke.usd), unmatched.reason) == (0, "5.00 USD were to be paid")

    with pytest.raises(KeyConflict):
        commands.assign_payment(unmatched_id=unmatched.pk, owner=world.person().id)
    commands.assign_payment(unmatched_id=unmatched.pk, owner=broke.id)
    assert balance(broke.usd) == Decimal(4)
    in_balance()


def test_a_payment_in_suspense_can_go_back(stripe: StandIn, tell: Tell, broke: Person) -> None:
    tell(stripe.paid("cs_9", 700))
    tell(stripe.refunded("cs_9", 700))

    assert not UnmatchedPayment.objects.get().is_open
    with pytest.raises(PaymentEnded):
        commands.assign_payment(unmatched_id=UnmatchedPayment.objects.get().pk, owner=broke.id)
    in_balance()


def test_another_currency_is_a_problem_document_that_operators_see_and_no_journal(
    stripe: StandIn, tell: Tell, broke: Person, begun: Payment
) -> None:
    event = stripe.paid("cs_1", 500, currency="jpy")
    answers = [tell(event), tell(event)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json()["type"].endswith("currency-unfit")
    assert not Journal.objects.exists()
    found = UnmatchedPayment.objects.get()
    assert (found.currency, found.amount, found.is_open) == ("JPY", Decimal(500), True)
    with pytest.raises(PaymentEnded):
        commands.assign_payment(unmatched_id=found.pk, owner=broke.id)


def test_a_payout_is_sent_once_and_ends_as_stripe_says(
    stripe: StandIn, tell: Tell, world: World, ana_sold: Person
) -> None:
    payout = commands.request_payout(owner=ana_sold.id, key="k", amount_usd="4", destination="acct_1")
    assert [commands.send_payouts(), commands.send_payouts()] == [1, 0]
    [(path, form)] = stripe.asked
    assert (path, form["amount"], form["destination"]) == ("/v1/transfers", "400", "acct_1")

    assert tell(stripe.transfer(str(payout.pk), 399)).status_code == 409
    for _ in range(2):
        tell(stripe.transfer(str(payout.pk), 400))
    assert Payout.objects.get().status == "paid"
    tell(stripe.transfer(str(payout.pk), 400, came_back=True))
    tell(stripe.transfer(str(payout.pk), 400))
    assert (Payout.objects.get().status, balance(payout_in_transit(ana_sold.id))) == ("failed", 0)
    in_balance()


def test_a_payout_that_stripe_refuses_is_income_again(stripe: StandIn, ana_sold: Person) -> None:
    commands.request_payout(owner=ana_sold.id, key="k", amount_usd="4", destination="acct_gone")
    commands.send_payouts()

    assert Payout.objects.get().reason == "Stripe refused: No such destination: 'acct_gone'"
    assert balance(ana_sold.earned) == Decimal(9)


def test_a_refund_asked_of_stripe_is_posted_when_stripe_reports_it(
    stripe: StandIn, tell: Tell, broke: Person, begun: Payment
) -> None:
    tell(stripe.paid("cs_1", 500))
    for _ in range(2):
        commands.refund_top_up(payment_id=begun.pk)
    assert (balance(broke.usd), len(stripe.answers)) == (Decimal(5), 2)  # one session, one refund

    tell(stripe.refunded("cs_1", 500))
    assert (Payment.objects.get().status, balance(broke.usd)) == ("refunded", 0)


@pytest.fixture
def ana_sold(world: World) -> Person:
    """Somebody who earned 9 USD."""
    buyer, seller = Person(), world.person()
    commands.top_up(owner=buyer.id, amount=Decimal(100), provider="test", reference="r", at=world.now)
    deliver(world.solved(buyer, lines=1000, owner=seller))
    return seller


@pytest.mark.django_db(transaction=True)
def test_the_same_event_from_two_connections_at_once_is_one_top_up(
    stripe: StandIn, world: World, broke: Person, begun: Payment
) -> None:
    def deliver_one() -> Any:
        body, signature = signed(event)
        return raw(Client(), body, signature).status_code

    event = stripe.paid("cs_1", 500)
    assert at_once(*[deliver_one] * 3) == [200] * 3
    assert balance(broke.usd) == Decimal(5)
    in_balance()
