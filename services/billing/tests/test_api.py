"""The API: who sees what, what is refused and how, and that a write happens once under its key."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest

from billing.models import Journal
from billing.tests.world import Person, World, balance, downloaded
from event_bus.testing import deliver
from shared_models.ids import new_id


def post(client: Any, path: str, body: Any = None, *, key: str | None = None) -> Any:
    headers = {"idempotency-key": key} if key else {}
    return client.post(f"/api/v1/{path}", json.dumps(body or {}), content_type="application/json", headers=headers)


def get(client: Any, path: str) -> Any:
    return client.get(f"/api/v1/{path}")


def test_a_top_up_is_in_the_wallet_once_it_is_confirmed(api: Any, broke: Person) -> None:
    client = api(broke)
    started = (post(client, "topups", {"amount_usd": "50.00"})).json()
    assert (started["status"], started["test_money"]) == ("pending", True)
    assert (get(client, "balances")).json()["user_balance"] == "0"

    confirmed = post(client, f"topups/{started['id']}/confirm")
    again = post(client, f"topups/{started['id']}/confirm")

    assert confirmed.json() == again.json()
    assert (get(client, "balances")).json()["user_balance"] == "50"


def test_the_same_top_up_key_twice_is_one_payment(api: Any, broke: Person) -> None:
    client = api(broke)
    first = post(client, "topups", {"amount_usd": "5"}, key="one")
    second = post(client, "topups", {"amount_usd": "5"}, key="one")

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()


def test_the_same_key_with_another_body_is_a_conflict(api: Any, broke: Person) -> None:
    client = api(broke)
    post(client, "topups", {"amount_usd": "5"}, key="one")

    assert (post(client, "topups", {"amount_usd": "6"}, key="one")).status_code == 409


def test_a_refusal_is_stored_too_and_never_flips(api: Any, world: World, broke: Person) -> None:
    client = api(broke)
    refused = post(client, "exchanges", {"amount_usd": "5"}, key="one")
    world.top_up(broke, "10")
    again = post(client, "exchanges", {"amount_usd": "5"}, key="one")

    assert refused.status_code == again.status_code == 402
    assert refused.json()["missing"] == "5"


@pytest.mark.parametrize(
    "amount", ["-1", "0", "NaN", "Infinity", "1e400", "9" * 40, "0.001", "1,5", "", "ten", "1000001", "0x10"]
)
def test_an_amount_that_is_no_payment_is_refused_naming_the_field(api: Any, ana: Person, amount: str) -> None:
    answer = post(api(ana), "topups", {"amount_usd": amount})

    assert answer.status_code == 422
    assert answer["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"].endswith("amount_usd")
    assert balance(ana.usd) == Decimal(100)


def test_a_number_instead_of_text_is_refused(api: Any, ana: Person) -> None:
    assert (post(api(ana), "topups", {"amount_usd": 5.1})).status_code == 422


@pytest.mark.parametrize("path", ["balances", "ledger/entries", "operations", "holds", "quotes", "topups", "coupons"])
def test_without_a_token_nothing_is_shown(api: Any, client: Any, ana: Person, path: str) -> None:
    answer = client.get(f"/api/v1/{path}")

    assert answer.status_code == 401


def test_another_persons_things_do_not_exist(api: Any, world: World, ana: Person, broke: Person) -> None:
    _, hold = world.hold(ana)
    journal = Journal.objects.select_related("operation").first()
    stranger = api(broke)

    for path in (
        f"ledger/journals/{journal.pk}",
        f"operations/{journal.operation.pk}",
        f"holds/{hold.pk}",
        f"quotes/{hold.quote_id}",
        f"topups/{new_id()}",
    ):
        assert (get(stranger, path)).status_code == 404, path
    for path in ("ledger/entries", "operations", "holds", "quotes", "topups"):
        assert (get(stranger, path)).json()["items"] == []


def test_entries_come_newest_first_page_by_page_with_their_running_balance(api: Any, world: World) -> None:
    person = world.person(usd="10")
    for lines in (1000, 2000, 3000):
        deliver(world.solved(person, lines=lines))
    client, seen, cursor = api(person), [], ""
    while True:
        page = (get(client, f"ledger/entries?account=usd&limit=2{cursor}")).json()
        seen += [(entry["amount"], entry["balance"]) for entry in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert seen == [("-0.3", "9.4"), ("-0.2", "9.7"), ("-0.1", "9.9"), ("10", "10")]


@pytest.mark.parametrize(("query", "expected"), [("kind=training", 0), ("kind=solving", 1), ("account=eaml", 0)])
def test_entries_can_be_filtered(api: Any, world: World, ana: Person, query: str, expected: int) -> None:
    deliver(world.solved(ana, lines=1000))

    assert len((get(api(ana), f"ledger/entries?{query}")).json()["items"]) == expected


@pytest.mark.parametrize("query", ["kind=theft", "account=gold", "since=yesterday", "cursor=!!", "machine_id=7"])
def test_a_filter_that_does_not_fit_is_named(api: Any, ana: Person, query: str) -> None:
    answer = get(api(ana), f"ledger/entries?{query}")

    assert answer.status_code == 422
    assert query.split("=")[0] in answer.json()["detail"] + str(answer.json()["errors"])


def test_the_csv_has_every_digit_and_no_formula(api: Any, world: World, ana: Person) -> None:
    name = '=HYPERLINK("http://evil.example","wine")'
    deliver(world.solved(ana, lines=1, machine_name=name))
    text = downloaded(get(api(ana), "ledger/entries.csv"))

    [_, row] = list(csv.DictReader(StringIO(text)))
    assert row["machine"] == f"'{name}"
    assert (row["amount"], row["balance"]) == ("-0.0001", "99.9999")


def test_an_entry_tells_its_whole_story(api: Any, world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana, lines=100_000)
    event = new_id()
    deliver(world.trained(wanted), event_id=event)
    client = api(ana)
    [entry, _] = (get(client, "ledger/entries")).json()["items"]
    story = (get(client, f"ledger/journals/{entry['journal_id']}")).json()

    assert story["hold"]["id"] == str(hold.pk)
    assert story["quote"]["price_eaml"] == "100"
    assert story["events"] == [{"id": str(event), "type": "titan.ml.training.completed.v1"}]
    assert "× 10 columns × 0.0001 EAML × 1 for level 1, price list 1: 100 EAML. Paid with 10 USD." in story["sentence"]


def test_a_seller_does_not_see_how_the_buyer_paid(api: Any, world: World, ana: Person) -> None:
    owner = world.person()
    deliver(world.solved(ana, lines=100, owner=owner))
    client = api(owner)
    [entry] = (get(client, "ledger/entries")).json()["items"]
    story = (get(client, f"ledger/journals/{entry['journal_id']}")).json()

    assert story["postings"] == [{"from": "wallet", "to": "seller_payable", "currency": "USD", "amount": "0.9"}]
    assert (story["quote"], story["hold"], story["events"]) == (None, None, [])
    assert story["sentence"] == "Sold 100 lines × 0.01 USD: 1 USD, of which 0.1 USD is TITAN's fee."


def test_an_operation_names_its_kind_also_as_nine_booleans(api: Any, world: World, ana: Person) -> None:
    deliver(world.solved(ana, lines=10, channel="api"))
    both = get(api(ana), "operations").json()["items"]
    solving, top_up = sorted(both, key=lambda operation: operation["kind"], reverse=True)

    assert [name for name, value in solving.items() if value is True] == ["is_solving_with_api_operation"]
    assert top_up["is_credit_from_user_operation"]
    assert sum(name.startswith("is_") for name in solving) == 9


def test_an_estimate_says_who_would_pay_and_reserves_nothing(api: Any, world: World) -> None:
    person = world.person(usd="1", coupon="4")
    body = {"kind": "training", "columns": 10, "lines": 20_000, "level": 1}
    answer = (post(api(person), "quotes", body)).json()

    assert answer["price_eaml"] == "20"
    assert answer["parts"] == [{"currency": "COUPON", "amount": "4"}, {"currency": "USD", "amount": "1"}]
    assert answer["missing_usd"] == "0.6"
    assert (get(api(person), "holds")).json()["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "training", "columns": 1, "lines": 1, "level": 9},
        {"kind": "training", "columns": -1, "lines": 1},
        {"kind": "solving", "lines": 10**40},
        {"kind": "gift", "lines": 1},
    ],
)
def test_work_that_has_no_price_is_refused(api: Any, ana: Person, body: dict[str, Any]) -> None:
    assert (post(api(ana), "quotes", body)).status_code == 422


def test_prices_are_open_to_everybody(api: Any, client: Any, ana: Person) -> None:
    answer = client.get("/api/v1/prices")

    assert answer.json()["version"] == 1


@pytest.mark.parametrize("path", ["coupons", "prices"])
def test_only_operators_make_coupons_and_prices(api: Any, ana: Person, path: str) -> None:
    bodies = {
        "coupons": {"code": "FREE", "amount": "5", "budget": "500"},
        "prices": {
            "training_cell_eaml": "0.1",
            "solving_line_eaml": "0.1",
            "level_factors": {"1": "1"},
            "usd_per_eaml": "0.2",
            "marketplace_fee_basis_points": 500,
        },
    }
    assert (post(api(ana), path, bodies[path])).status_code == 403
    assert (post(api(ana, staff=True), path, bodies[path])).status_code == 403  # known already, not as staff
    operator = Person()
    assert (post(api(operator, staff=True), path, bodies[path])).status_code == 201


def test_only_operators_verify_the_ledger(api: Any, ana: Person) -> None:
    assert (get(api(ana), "ledger/verify")).status_code == 403
    assert (get(api(Person(), staff=True), "ledger/verify")).json()["ok"] is True


def test_a_bill_is_paid_from_the_wallet_and_dated(api: Any, world: World, broke: Person) -> None:
    deliver(world.solved(broke, lines=20_000))  # 2 USD
    client = api(broke)
    short = post(client, "bills/pay")
    assert (short.status_code, short.json()["missing"]) == (402, "2")

    world.top_up(broke, "5")
    assert (post(client, "bills/pay", key="k")).status_code == 201
    assert (post(client, "bills/pay", key="k")).status_code == 201
    wallet = (get(client, "balances")).json()
    assert (wallet["user_balance"], wallet["owed"]) == ("3", "0")
    assert wallet["last_billing_time"] is not None
    assert (post(client, "bills/pay")).json()["type"].endswith("nothing-owed")
