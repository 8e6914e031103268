"""Billing's pages, as a browser without JavaScript sees them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps

from billing import commands
from billing.models import Journal, Payment, Turnover
from billing.tests.world import Person, World, downloaded
from event_bus.testing import deliver


def page(client: Any, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.content.decode()[:2000]
    text = answer.content.decode()
    assert "style=" not in text
    return text.replace("\u202f", " ")


def test_the_wallet_shows_what_is_available_held_and_why(browser: Any, world: World, ana: Person) -> None:
    world.hold(ana, lines=100_000)
    text = page(browser(ana), "/")

    assert "90,00 USD" in text
    assert re.search(r"100,00 USD</span> − <span class=\"amount\">10,00 USD</span> held", text)
    assert "Test money" in text


def test_the_wallet_of_somebody_new_says_what_to_do(browser: Any, world: World) -> None:
    assert "Nothing has moved yet" in page(browser(Person()), "/")


def test_the_live_part_answers_only_when_something_changed(browser: Any, world: World, ana: Person) -> None:
    client = browser(ana)
    shown = live_part(client)
    assert client.get(shown).status_code == 204

    deliver(world.solved(ana, lines=1000))
    assert "99,90 USD" in page(client, shown)


def test_the_live_part_answers_when_somebody_bought_of_her(browser: Any, world: World, ana: Person) -> None:
    client, buyer = browser(ana), world.person(usd="10")
    deliver(world.solved(buyer, lines=100, owner=ana))
    shown = live_part(client)
    assert client.get(shown).status_code == 204

    deliver(world.solved(buyer, lines=100, owner=ana))
    assert "earned on the market" in page(client, shown)


def live_part(client: Any) -> str:
    """Where the wallet asks whether something changed."""
    found = re.search(r'hx-get="(/live\?[^"]+)"', page(client, "/"))
    assert found
    return found[1].replace("&amp;", "&")


def test_topping_up_takes_two_clicks_and_says_that_it_is_test_money(browser: Any, broke: Person) -> None:
    client = browser(broke)
    started = client.post("/top-ups", {"amount_usd": "20", "key": "form"})
    again = client.post("/top-ups", {"amount_usd": "20", "key": "form"})
    assert started["location"] == again["location"]
    assert "Test money" in page(client, started["location"])

    confirmed = client.post(started["location"])
    client.post(started["location"])
    assert confirmed["location"] == "/"
    assert "20,00 USD" in page(client, "/")
    assert Payment.objects.count() == 1


def test_an_amount_may_be_typed_with_the_persons_own_decimal_sign(browser: Any, broke: Person) -> None:
    browser(broke).post("/top-ups", {"amount_usd": "20,50"})

    assert Payment.objects.get().amount == Decimal("20.5")


@pytest.mark.parametrize("typed", ["1.000,50", "1,000,50", "20,5.0"])
def test_an_amount_that_could_mean_two_things_is_refused(browser: Any, broke: Person, typed: str) -> None:
    assert browser(broke).post("/top-ups", {"amount_usd": typed}).status_code == 422


def test_a_refused_top_up_keeps_what_was_typed_and_names_the_field(browser: Any, broke: Person) -> None:
    answer = browser(broke).post("/top-ups", {"amount_usd": "-7"})

    assert answer.status_code == 422
    text = answer.content.decode()
    assert 'value="-7"' in text
    assert "<strong>amount_usd</strong>" in text


def test_the_statement_runs_from_opening_to_closing_balance(browser: Any, world: World, ana: Person) -> None:
    deliver(world.solved(ana, lines=10_000))
    text = page(browser(ana), "/statement?account=usd")

    assert text.index("Opening balance") < text.index("100,00") < text.index("99,00") < text.index("Closing balance")


@pytest.mark.parametrize("query", ["account=gold", "since=31.1.2026", "machine=x", "kind=theft"])
def test_a_statement_filter_that_does_not_fit_is_said_on_the_page(browser: Any, ana: Person, query: str) -> None:
    assert 'role="alert"' in page(browser(ana), f"/statement?{query}", status=422)


def test_a_period_without_entries_keeps_its_balances(browser: Any, ana: Person) -> None:
    text = page(browser(ana), "/statement?since=2099-01-01&until=2099-02-01")

    assert text.count("100,00") == 2
    assert "No entries match" in text


def test_the_statement_downloads_what_it_shows(browser: Any, ana: Person) -> None:
    answer = browser(ana).get("/statement.csv?account=usd&kind=credit_from_user")

    assert answer["content-type"].startswith("text/csv")
    assert downloaded(answer).count("\n") == 2


def test_a_charge_shows_its_chain_from_quote_to_work(browser: Any, world: World, ana: Person) -> None:
    wanted, _ = world.hold(ana, lines=100_000)
    deliver(world.trained(wanted))
    journal = Journal.objects.get(kind="training")
    text = page(browser(ana), f"/journals/{journal.pk}")

    order = [
        "100 000 lines × 10 columns",
        "Quote",
        "Hold",
        "captured",
        "Event",
        "Work",
        str(wanted.work_id),
        "Postings",
    ]
    places = [text.index(word) for word in order]
    assert places == sorted(places)


def test_another_persons_charge_does_not_exist(browser: Any, ana: Person, broke: Person) -> None:
    journal = Journal.objects.first()

    page(browser(broke), f"/journals/{journal.pk}", status=404)


def test_operations_link_to_their_charges(browser: Any, ana: Person) -> None:
    text = page(browser(ana), "/operations")

    assert "Credit from user" in text  # an operation is called by its kind


def test_a_coupon_is_activated_on_the_wallet(browser: Any, world: World, broke: Person) -> None:
    commands.create_coupon(code="WELCOME", amount="5", budget="50")
    client = browser(broke)
    assert (client.post("/coupons/activate", {"code": " welcome "}))["location"] == "/"
    assert "WELCOME" in page(client, "/")

    again = client.post("/coupons/activate", {"code": "welcome"})
    assert again.status_code == 409
    assert "works once a person" in again.content.decode()


def test_operators_publish_prices_and_see_the_proof(browser: Any, world: World, ana: Person) -> None:
    client = browser(Person(), staff=True)
    form = {
        "training_cell_eaml": "0.0002",
        "solving_line_eaml": "0.002",
        "usd_per_eaml": "0.1",
        "level_1": "1",
        "level_2": "2",
        "level_3": "4",
        "level_4": "8",
        "level_5": "16",
        "marketplace_fee_basis_points": "500",
    }
    assert (client.post("/prices", form)).status_code == 302
    assert "0,0002 EAML" in page(client, "/prices")
    assert client.post("/verify").status_code == 302
    assert "The ledger holds" in page(client, "/verify")
    page(browser(ana), "/verify", status=403)


def test_operators_make_coupons(browser: Any, world: World) -> None:
    client = browser(Person(), staff=True)
    form = {"code": "SPRING", "amount": "5", "budget": "100", "credit_days": "30"}
    assert (client.post("/coupons", form)).status_code == 302
    assert "SPRING" in page(client, "/coupons")


# Turnover has no row of its own: what it sums up is there by itself.
TABLES = [model for model in apps.get_app_config("billing").get_models() if model is not Turnover]


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_operators_can_read_every_table_but_write_none(browser: Any, world: World, ana: Person, model: Any) -> None:
    world.hold(ana)
    client = browser(Person(), staff=True, superuser=True)

    assert client.get(f"/admin/billing/{model._meta.model_name}/").status_code == 200
    assert client.get(f"/admin/billing/{model._meta.model_name}/add/").status_code == 403


def test_whoever_is_not_signed_in_is_sent_to_identity(world: World, client: Any) -> None:
    answer = client.get("/statement?account=eaml")

    assert answer.status_code == 302
    assert "/continue?next=" in answer["location"]
