"""The market over the API and on its pages: who sees what, and how a purchase is followed."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from ml import commands, queries
from ml.deliveries import deliver_purchases
from ml.models import Purchase
from ml.rules.access import Right
from ml.tests.world import HEADER, TERMS, held
from service_base.callers import Caller
from service_base.errors import NotFound

pytestmark = pytest.mark.django_db(transaction=True)


SALES = ("machine_data_source_is_public", "machine_is_duplicatable")


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
