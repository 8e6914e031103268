"""Buying another person's lines, a copy of her machine, and news for it: from the request to the delivery."""

from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import IntegrityError, connection, transaction

from event_bus.testing import deliver, said
from ml import commands, queries
from ml.commands.purchases import lines_sold_of
from ml.deliveries import deliver_purchases
from ml.models import Machine, PublishedUsage, Purchase
from ml.rules.access import Right
from ml.rules.purchases import (
    ENDED,
    MOST_ATTEMPTS,
    AlreadyBought,
    NotForSale,
    OwnMachine,
    PriceChanged,
    PurchaseEnded,
    PurchaseState,
)
from ml.rules.work import LeaseLost
from ml.store import place, root
from ml.tests.world import HEADER, buyers, csv_of
from service_base.callers import Caller
from service_base.errors import BadInput, NotFound, Refusal
from shared_models.clock import utc_now
from shared_models.events import billing, ml

pytestmark = pytest.mark.django_db(transaction=True)

TERMS = {
    "machine_data_source_is_public": True,
    "machine_data_source_price_usd": "5",
    "machine_is_duplicatable": True,
    "machine_copy_cost_usd": "12.5",
    "machine_copy_update_cost_usd": "0.00000001",
}
SALES = ("machine_data_source_is_public", "machine_is_duplicatable")
PRICE = {"buy_data_source": "5", "machine_copy": "12.5", "machine_copy_update": "0.00000001"}


@pytest.fixture
def sold(machine):
    """Ada's machine, whose lines and copies she sells."""
    return commands.set_terms(machine_id=machine.pk, terms=TERMS)


@pytest.fixture
def bo(person, prices):
    """A buyer with money."""
    return person("bo", usd="100")


@pytest.fixture
def buy(sold, bo):
    """Asks for a purchase: `buy("machine_copy")`."""

    def ask(kind="machine_copy", **given):
        facts = {"machine_id": sold.pk, "buyer": bo, "kind": kind, "price_usd": PRICE[kind]}
        return commands.request_purchase(**(facts | given))

    return ask


@pytest.fixture
def bought(buy):
    """A purchase that billing held the price of and the worker delivered."""

    def take(kind="machine_copy", **given):
        asked = held(buy(kind, **given))
        deliver_purchases()
        return Purchase.objects.get(pk=asked.pk)

    return take


def held(purchase):
    """Billing holds the price."""
    part = billing.Part(currency="USD", amount=purchase.price_usd)
    deliver(
        billing.HoldAuthorized(
            hold_id=uuid4(),
            work_id=purchase.pk,
            payer_id=purchase.buyer_id,
            quote_id=uuid4(),
            price_version=1,
            parts=[part],
            expires_at=utc_now() + timedelta(hours=1),
        )
    )
    return Purchase.objects.get(pk=purchase.pk)


def append(upload, machine, rows):
    """More lines to learn from."""
    return commands.append_lines(machine_id=machine.pk, received=upload(csv_of(rows), "more.csv"), purpose="learning")


def table(purchase):
    """The bought lines as the buyer reads them."""
    return list(csv.reader(io.StringIO(place(purchase.result_path).read_text())))


def test_a_request_says_what_is_wanted_at_which_price_and_delivers_nothing_yet(buy, sold, ada, bo):
    asked = buy("buy_data_source")
    assert deliver_purchases() == 0
    (event,) = said(ml.PurchaseRequested)
    assert (event.purchase_id, event.kind, event.price_usd, event.lines) == (
        asked.pk,
        "buy_data_source",
        Decimal(5),
        300,
    )
    assert (event.seller_id, event.buyer_id, asked.state) == (ada.pk, bo.pk, PurchaseState.AWAITING_FUNDS)


def test_bought_lines_are_a_file_of_the_buyers_own_with_every_line(bought, ada):
    purchase = bought("buy_data_source")
    assert (purchase.state, purchase.lines, purchase.progress_percent) == (PurchaseState.SUCCEEDED, 300, 100)
    assert table(purchase) == [HEADER, *buyers()]
    (event,) = said(ml.PurchaseCompleted)
    assert (event.purchase_id, event.price_usd, event.lines, event.copy_id) == (purchase.pk, Decimal(5), 300, None)
    commands.delete_machine(machine_id=purchase.machine_id)
    commands.clean_store(now=utc_now().timestamp() + 100_000)
    assert len(table(purchase)) == 301


def test_a_purchase_is_listed_as_usage_that_billing_is_compared_with(bought):
    purchase = bought()
    (listed,) = PublishedUsage.objects.all()
    assert (listed.payer_id, listed.lines) == (purchase.buyer_id, 300)


def test_a_formula_in_bought_lines_is_disarmed_and_numbers_stay(machine_of, ada, bo):
    rows = [["-5,25", "=1+1", "@x", "-3"], ["+1e3", "plain", "\tcmd", "-"]]
    odd = machine_of(ada, csv_of([*rows, *([["1", "b", "c", "4"]] * 60)], ["a", "=b", "c", "d"], ";"), outputs=["a"])
    commands.set_terms(machine_id=odd.pk, terms=TERMS)
    asked = commands.request_purchase(machine_id=odd.pk, buyer=bo, kind="buy_data_source", price_usd="5")
    held(asked)
    deliver_purchases()
    purchase = Purchase.objects.get(pk=asked.pk)
    assert purchase.reason == ""
    assert table(purchase)[:3] == [
        ["a", "'=b", "c", "d"],
        ["-5,25", "'=1+1", "'@x", "-3"],
        ["+1e3", "plain", "'\tcmd", "'-"],
    ]


def test_a_copy_is_the_buyers_machine_on_the_same_lines_without_the_model(trained, bo, buy, ada):
    commands.set_terms(machine_id=trained.pk, terms=TERMS)
    held(commands.request_purchase(machine_id=trained.pk, buyer=bo, kind="machine_copy", price_usd="12.5"))
    deliver_purchases()
    copy = Purchase.objects.get().copy
    original = Machine.objects.get(pk=trained.pk)
    assert (copy.machine_name, copy.owner_id, copy.machine_original_id) == (
        f"Copy of {original.machine_name}",
        bo.pk,
        original.pk,
    )
    assert not copy.is_trained
    assert copy.training_evaluation_accuracy is None
    assert copy.machine_owner_team is None
    assert not copy.is_on_the_market
    same = ("column_names", "learning_lines", "evaluation_lines", "mdc_columns_data_type", "mdc_columns_name_output")
    assert [getattr(copy, name) for name in same] == [getattr(original, name) for name in same]
    assert [line.path for line in copy.data_lines.all()] == [line.path for line in original.data_lines.all()]
    assert [event.machine_id for event in said(ml.MachineChanged)].count(copy.pk) == 1


def test_a_copy_can_be_corrected_and_learns_alone_although_its_original_is_gone(bought, sold):
    copy = bought().copy
    commands.delete_machine(machine_id=sold.pk)
    commands.clean_store(now=utc_now().timestamp() + 100_000)
    commands.correct_machine(machine_id=copy.pk, ignore=["city"])
    copy.refresh_from_db()
    assert copy.ignored_columns == ["city"]


def test_news_bring_the_copy_what_its_original_gained_after_its_own_lines(bought, buy, sold, bo, upload):
    copy = bought().copy
    append(upload, copy, buyers(20, seed=2))
    append(upload, sold, buyers(50, seed=3))
    held(buy("machine_copy_update", copy_id=copy.pk))
    deliver_purchases()
    copy.refresh_from_db()
    assert [line.line_count for line in copy.data_lines.order_by("sequence")] == [300, 20, 50]
    at_once = (copy.learning_lines, copy.evaluation_lines)
    assert sum(at_once) == 370
    commands.look_at_appended_lines()
    copy.refresh_from_db()
    assert (copy.learning_lines, copy.evaluation_lines) == at_once
    with pytest.raises(AlreadyBought):
        buy("machine_copy_update", copy_id=copy.pk)


def test_news_wait_for_the_end_of_the_copys_training(bought, buy, sold, bo, upload):
    copy = bought().copy
    append(upload, sold, buyers(50, seed=3))
    asked = held(buy("machine_copy_update", copy_id=copy.pk))
    work = commands.request_training(machine_id=copy.pk, by=bo, level=1, estimated_seconds=1.0, quoted_eaml=Decimal(1))
    deliver_purchases()
    asked.refresh_from_db()
    assert (asked.state, asked.attempts) == (PurchaseState.QUEUED, 0)
    commands.cancel_work(work_id=work.pk)
    Purchase.objects.update(lease_expires_at=utc_now())
    deliver_purchases()
    asked.refresh_from_db()
    assert asked.state == PurchaseState.SUCCEEDED


def test_a_seller_does_not_buy_from_herself(sold, ada):
    with pytest.raises(OwnMachine):
        commands.request_purchase(machine_id=sold.pk, buyer=ada, kind="machine_copy", price_usd="12.5")
    assert said(ml.PurchaseRequested) == []


def test_a_price_that_changed_is_not_charged(buy, sold):
    commands.set_terms(machine_id=sold.pk, terms={"machine_copy_cost_usd": "99"})
    with pytest.raises(PriceChanged, match="99 USD by now"):
        buy()
    assert said(ml.PurchaseRequested) == []


def test_a_price_that_changes_after_the_request_does_not_change_the_purchase(buy, sold):
    asked = buy()
    commands.set_terms(machine_id=sold.pk, terms={"machine_copy_cost_usd": "99", "machine_is_duplicatable": False})
    held(asked)
    deliver_purchases()
    (event,) = said(ml.PurchaseCompleted)
    assert event.price_usd == Decimal("12.5")


@pytest.mark.parametrize("price", ["", "NaN", "Infinity", "-1", "1e40", "9" * 40, "0.000000001", "five", True, 1.5])
def test_what_is_no_price_is_refused_by_its_field(buy, sold, price):
    with pytest.raises(Refusal) as refused:
        buy(price_usd=price)
    assert refused.value.field == "price_usd"
    with pytest.raises(BadInput) as unfit:
        commands.set_terms(machine_id=sold.pk, terms={"machine_copy_cost_usd": price})
    assert unfit.value.field == "machine_copy_cost_usd"
    assert not Purchase.objects.exists()


def test_what_is_not_for_sale_is_not_sold(machine, bo):
    for kind in PRICE:
        with pytest.raises(NotForSale):
            commands.request_purchase(machine_id=machine.pk, buyer=bo, kind=kind, price_usd="0")


def test_a_copy_is_not_sold_on(bought):
    copy = bought().copy
    for flag in ("machine_is_duplicatable", "machine_data_source_is_public"):
        with pytest.raises(NotForSale):
            commands.set_terms(machine_id=copy.pk, terms={flag: True})
        with pytest.raises(IntegrityError), transaction.atomic():
            Machine.objects.filter(pk=copy.pk).update(**{flag: True})


def test_lines_are_bought_again_only_when_there_are_new_ones(bought, buy, sold, upload):
    bought("buy_data_source")
    with pytest.raises(AlreadyBought):
        buy("buy_data_source")
    append(upload, sold, buyers(50, seed=3))
    assert buy("buy_data_source").lines == 350


def test_news_need_a_copy_of_ones_own(bought, buy, sold, upload, machine_of, ada):
    with pytest.raises(BadInput) as unfit:
        buy("machine_copy_update")
    assert unfit.value.field == "copy_id"
    with pytest.raises(NotFound):
        buy("machine_copy_update", copy_id=machine_of(ada).pk)


def test_a_copy_whose_originals_columns_changed_gets_no_news(bought, buy, sold, upload):
    copy = bought().copy
    append(upload, sold, buyers(50, seed=3))
    Machine.objects.filter(pk=sold.pk).update(column_names=["a", "b"])
    with pytest.raises(NotForSale, match="columns"):
        buy("machine_copy_update", copy_id=copy.pk)


@pytest.mark.parametrize("reason", ["funds_short", "bill_due", "own_machine"])
def test_a_declined_purchase_fails_with_the_reason(buy, reason):
    asked = buy()
    declined = {"reason": reason, "missing": Decimal(2), "currency": "USD"}
    deliver(billing.HoldDeclined(work_id=asked.pk, payer_id=asked.buyer_id, **declined))
    asked.refresh_from_db()
    assert asked.state == PurchaseState.FAILED
    assert f"{reason.replace('_', ' ')} (2 USD are missing)" in asked.reason
    assert deliver_purchases() == 0


def test_a_cancelled_purchase_is_neither_delivered_nor_charged(buy):
    asked = held(buy("buy_data_source"))
    commands.cancel_purchase(purchase_id=asked.pk)
    assert deliver_purchases() == 0
    assert [(event.purchase_id, event.cancelled) for event in said(ml.PurchaseFailed)] == [(asked.pk, True)]
    assert said(ml.PurchaseCompleted) == []
    with pytest.raises(PurchaseEnded):
        commands.cancel_purchase(purchase_id=asked.pk)


def test_a_delivered_purchase_cannot_be_cancelled(bought):
    with pytest.raises(PurchaseEnded):
        commands.cancel_purchase(purchase_id=bought().pk)


def test_a_hold_that_expired_ends_the_purchase(buy):
    asked = held(buy())
    deliver(billing.HoldExpired(hold_id=uuid4(), work_id=asked.pk, payer_id=asked.buyer_id))
    assert Purchase.objects.get().state == PurchaseState.CANCELLED
    assert deliver_purchases() == 0


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_lines_that_are_not_whole_any_more_are_not_sold(buy, sold, harm):
    asked = held(buy("buy_data_source"))
    file = place(lines_sold_of(sold)[0].path)
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes().replace(b"Graz", b"Linz", 1))
    deliver_purchases()
    asked.refresh_from_db()
    assert asked.state == PurchaseState.FAILED
    assert "buyers.csv" in asked.reason
    assert list((root() / "bought" / str(sold.pk)).glob("*")) == []
    assert said(ml.PurchaseCompleted) == []


def test_a_machine_deleted_before_the_delivery_is_not_delivered(buy, sold):
    asked = held(buy())
    commands.delete_machine(machine_id=sold.pk)
    deliver_purchases()
    asked.refresh_from_db()
    assert asked.state == PurchaseState.FAILED
    assert "deleted" in asked.reason


def test_a_slower_worker_hands_over_nothing(buy):
    asked = held(buy())
    slow = commands.lease_purchase()
    parcel = commands.parcel_of(slow)
    fast = commands.lease_purchase(now=utc_now() + timedelta(minutes=2))
    assert fast.lease_token == slow.lease_token + 1
    commands.deliver_copy(purchase_id=asked.pk, token=fast.lease_token, parcel=parcel)
    with pytest.raises(LeaseLost):
        commands.deliver_copy(purchase_id=asked.pk, token=slow.lease_token, parcel=parcel)
    assert Machine.objects.filter(machine_original__isnull=False).count() == 1
    assert len(said(ml.PurchaseCompleted)) == 1


def test_a_delivery_that_always_breaks_down_is_given_up_and_not_charged(buy, monkeypatch):
    asked = held(buy())
    monkeypatch.setattr("ml.deliveries._Delivery._job", lambda self, parcel: {"nonsense": True})
    for _ in range(MOST_ATTEMPTS):
        Purchase.objects.filter(pk=asked.pk).update(lease_expires_at=utc_now() - timedelta(seconds=1))
        deliver_purchases()
    asked.refresh_from_db()
    assert (asked.state, asked.attempts) == (PurchaseState.FAILED, MOST_ATTEMPTS)
    assert "Given up" in asked.reason
    assert len(said(ml.PurchaseFailed)) == 1


def test_a_worker_that_died_again_and_again_ends_the_purchase(buy):
    held(buy())
    for minutes in range(MOST_ATTEMPTS):
        assert commands.lease_purchase(now=utc_now() + timedelta(minutes=minutes)) is not None
    assert commands.lease_purchase(now=utc_now() + timedelta(minutes=9)) is None
    assert Purchase.objects.get().state == PurchaseState.FAILED


def test_lines_that_change_while_they_are_made_ready_are_made_ready_anew(buy, sold, upload):
    asked = held(buy())
    leased = commands.lease_purchase()
    parcel = commands.parcel_of(leased)
    append(upload, sold, buyers(50, seed=3))
    with pytest.raises(commands.Changing):
        commands.deliver_copy(purchase_id=asked.pk, token=leased.lease_token, parcel=parcel)
    assert said(ml.PurchaseCompleted) == []


def at_once(*works):
    """Run `works` on a connection each, started together; what each returned, or the refusal it met."""
    start = Barrier(len(works))

    def run(work):
        try:
            start.wait(timeout=20)
            return work()
        except Refusal as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def test_the_same_purchase_asked_for_at_once_from_several_connections_is_one(buy):
    found = at_once(*[buy] * 4)
    assert sorted(isinstance(one, AlreadyBought) for one in found) == [False, True, True, True]
    assert Purchase.objects.count() == len(said(ml.PurchaseRequested)) == 1


def test_a_delivery_and_a_cancellation_at_once_have_one_winner(buy):
    asked = held(buy())
    leased = commands.lease_purchase()
    parcel = commands.parcel_of(leased)
    at_once(
        lambda: commands.deliver_copy(purchase_id=asked.pk, token=leased.lease_token, parcel=parcel),
        lambda: commands.cancel_purchase(purchase_id=asked.pk),
    )
    asked.refresh_from_db()
    assert asked.state in ENDED
    assert len(said(ml.PurchaseCompleted)) + len(said(ml.PurchaseFailed)) == 1
    assert Machine.objects.filter(machine_original__isnull=False).exists() == (asked.state == PurchaseState.SUCCEEDED)


def test_two_workers_at_once_never_lease_the_same_purchase(buy):
    held(buy())
    assert sorted(found is None for found in at_once(*[commands.lease_purchase] * 3)) == [False, True, True]


def test_a_buyer_sees_no_line_before_paying_unless_the_owner_shows_a_sample(sold, bo, api):
    client = api(bo)
    path = f"/api/v1/market/{sold.pk}"
    assert async_to_sync(client.get)(path).json()["sample"] == []
    assert async_to_sync(client.get)(f"/api/v1/machines/{sold.pk}/lines").status_code == 404
    commands.set_terms(machine_id=sold.pk, terms={"machine_data_source_sample_only_public": True})
    sample = async_to_sync(client.get)(path).json()["sample"]
    assert len(sample) == 10
    assert list(sample[0]) == HEADER


def test_who_may_look_at_what_is_sold_may_not_solve_with_it(sold, bo):
    caller = Caller(bo)
    assert queries.rights_of(caller, sold) == {Right.LIST}
    commands.set_terms(machine_id=sold.pk, terms=dict.fromkeys(SALES, False))
    with pytest.raises(NotFound):
        queries.machine_for(caller, sold.pk, Right.LIST)


def test_what_still_sells_stays_on_the_market_when_its_answers_do_not(trained):
    commands.publish_machine(machine_id=trained.pk, price_usd="1")
    commands.set_terms(machine_id=trained.pk, terms={"machine_is_duplicatable": True})
    commands.withdraw_machine(machine_id=trained.pk)
    assert list(queries.market()) == [trained]
    commands.set_terms(machine_id=trained.pk, terms={"machine_is_duplicatable": False})
    assert list(queries.market()) == []


async def test_the_same_key_is_one_purchase_and_the_same_answer(sold, bo, api):
    client = await sync_to_async(api)(bo)
    body = '{"kind": "machine_copy", "price_usd": "12.5"}'
    path, key = f"/api/v1/market/{sold.pk}/purchases", {"idempotency-key": "one"}
    answers = [await client.post(path, body, content_type="application/json", headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    other = await client.post(path, body.replace("copy", "copy_update"), content_type="application/json", headers=key)
    assert other.status_code == 409
    assert await Purchase.objects.acount() == 1


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ('{"kind": "machine_copy", "price_usd": "NaN"}', 422, "price_usd"),
        ('{"kind": "machine_copy", "price_usd": "-12.5"}', 422, "price_usd"),
        ('{"kind": "machine_copy", "price_usd": "12.500000001"}', 422, "price_usd"),
        ('{"kind": "machine_copy", "price_usd": "1"}', 409, "price_usd"),
        ('{"kind": "machine_copy", "price_usd": 12.5}', 422, "price_usd"),
        ('{"kind": "bribe", "price_usd": "12.5"}', 422, "kind"),
    ],
)
async def test_a_wrong_purchase_is_a_problem_that_names_the_field(sold, bo, api, body, status, field):
    client = await sync_to_async(api)(bo)
    answer = await client.post(f"/api/v1/market/{sold.pk}/purchases", body, content_type="application/json")
    assert answer.status_code == status, answer.content
    assert answer["content-type"] == "application/problem+json"
    assert field in answer.content.decode()
    assert not await Purchase.objects.aexists()


async def test_nobody_else_sees_a_purchase_or_its_lines(bought, eve, api):
    purchase = await sync_to_async(bought)("buy_data_source")
    client = await sync_to_async(api)(eve)
    for path in ("", "/lines.csv"):
        assert (await client.get(f"/api/v1/purchases/{purchase.pk}{path}")).status_code == 404
    assert (await client.post(f"/api/v1/purchases/{purchase.pk}/cancel")).status_code == 404
    assert (await client.get("/api/v1/purchases")).json()["items"] == []


async def test_the_buyer_downloads_her_lines_over_the_api(bought, bo, api):
    purchase = await sync_to_async(bought)("buy_data_source")
    client = await sync_to_async(api)(bo)
    answer = await client.get(f"/api/v1/purchases/{purchase.pk}/lines.csv")
    content = b"".join([chunk async for chunk in answer.streaming_content]).decode()
    assert content.splitlines()[0] == ",".join(HEADER)
    assert len(content.splitlines()) == 301


async def text(client, path):
    answer = await client.get(path)
    assert answer.status_code == 200, answer.content.decode()[:500]
    return answer.content.decode()


async def test_a_purchase_is_made_watched_and_used_on_the_pages(machine, ada, bo, browser):
    seller, buyer = await sync_to_async(browser)(ada), await sync_to_async(browser)(bo)
    form = {name: "1" if value is True else value for name, value in TERMS.items()}
    await seller.post(f"/machines/{machine.pk}/terms", form | {"machine_copy_cost_usd": "12,5"})
    assert 'value="12.5"' in await text(seller, f"/machines/{machine.pk}")
    assert machine.machine_name in await text(buyer, "/market")
    listing = await text(buyer, f"/market/{machine.pk}")
    assert "Buy a copy" in listing
    assert "shows no lines before" in listing
    order = {"kind": "machine_copy", "price_usd": "12.5", "key": "k1"}
    first = await buyer.post(f"/market/{machine.pk}/buy", order)
    again = await buyer.post(f"/market/{machine.pk}/buy", order)
    assert first["location"] == again["location"]
    assert 'hx-trigger="every 1s"' in await text(buyer, first["location"])
    purchase = await Purchase.objects.aget()
    await sync_to_async(held)(purchase)
    await sync_to_async(deliver_purchases)()
    page = await text(buyer, f"{first['location']}/live")
    assert "hx-trigger" not in page
    assert "See your machine" in page
    assert machine.machine_name in await text(buyer, "/purchases")
    await purchase.arefresh_from_db()
    assert "all lines that its original sells" in await text(buyer, f"/machines/{purchase.copy_id}")
    assert "Bo Example" in await text(seller, f"/machines/{machine.pk}")


async def test_a_refused_purchase_says_why_on_the_listing(sold, bo, browser):
    client = await sync_to_async(browser)(bo)
    answer = await client.post(f"/market/{sold.pk}/buy", {"kind": "machine_copy", "price_usd": "1"})
    assert answer["location"] == f"/market/{sold.pk}"
    assert "12.5 USD by now" in await text(client, answer["location"])
    for form in ({"kind": "x"}, {"kind": "machine_copy_update", "copy_id": "x"}, {}):
        assert (await client.post(f"/market/{sold.pk}/buy", form)).status_code in (302, 422)


async def test_a_cancelled_purchase_says_so_on_its_page(buy, bo, browser):
    purchase = await sync_to_async(buy)()
    client = await sync_to_async(browser)(bo)
    answer = await client.post(f"/purchases/{purchase.pk}/cancel")
    assert "Nothing is delivered" in await text(client, answer["location"])
