"""Statements, costs, income, quotes and coupons as people and programs read them."""

from __future__ import annotations

import csv
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest

from billing import commands, queries
from billing.models import Journal
from billing.queries import StatementFilter
from billing.rules.wording import csv_row
from billing.tests.moving import WINE, use
from billing.tests.world import Person, World, balance, downloaded
from event_bus.testing import deliver
from shared_models.ids import new_id


def _get(client: Any, path: str) -> Any:
    return client.get(f"/api/v1/{path}")


def test_the_api_pages_through_the_entries_under_a_filter(api: Any, busy: Person) -> None:
    client, cursor, seen = api(busy), "", []
    while cursor is not None:
        answer = _get(client, f"ledger/entries?currency=USD&kind=solving&limit=8&cursor={cursor}").json()
        seen += [entry["id"] for entry in answer["items"]]
        cursor = answer["next_cursor"]

    assert len(seen) == len(set(seen)) == 30
    assert seen == sorted(seen, key=int, reverse=True)


@pytest.mark.parametrize("cursor", ["x", "IngiLA", "Ii0xIg", "Ijk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5Ig"])
def test_a_cursor_of_another_list_is_refused(api: Any, ana: Person, cursor: str) -> None:
    answer = _get(api(ana), f"ledger/entries?cursor={cursor}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"


def test_the_api_sums_up(api: Any, busy: Person) -> None:
    client = api(busy)
    answer = _get(client, f"ledger/groups?by=machine&account=usd&machine_id={WINE}").json()

    assert [(one["machine_id"], one["entries"]) for one in answer["items"]] == [(str(WINE), 10)]
    [day] = _get(client, "ledger/groups?by=day&account=usd").json()["items"]
    assert Decimal(day["net"]) == balance(busy.usd)
    kinds = {one["kind"] for one in _get(client, "ledger/groups?by=kind&currency=USD").json()["items"]}
    assert kinds == {"solving", "credit_from_user", "tokens_bought"}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("ledger/groups?by=mood&account=usd", "by"),
        ("ledger/groups?by=day", "account"),
        ("ledger/groups?by=day&account=gold", "account"),
        ("ledger/groups?by=day&account=usd&machine_id=wine", "machine_id"),
        ("costs?currency=EUR", "currency"),
        ("costs?since=2031-02-02&until=2031-01-01", "until"),
        ("costs?since=yesterday", "since"),
        ("income?by=mood", "by"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(api: Any, ana: Person, path: str, field: str) -> None:
    answer = _get(api(ana), path)

    assert answer.status_code == 422
    assert field in str(answer.json()["errors"])


def test_the_api_tells_costs_and_income(api: Any, world: World, ana: Person) -> None:
    seller = world.person()
    use(world, ana, lines=100, owner=seller)
    [cost] = _get(api(ana), "costs").json()["items"]
    income = _get(api(seller), "income?by=all").json()

    assert (cost["machine_name"], cost["amount"]) == ("wine", "1.01")
    assert income["payable_usd"] == income["items"][0]["amount_usd"] == "0.9"
    assert income["items"][0]["kind"] == "solving_with_api_market"


def test_the_csv_has_every_entry_in_booked_order_however_many_pieces(
    api: Any, busy: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("billing.queries.statement._CHUNK", 5)
    rows = list(csv.DictReader(StringIO(downloaded(_get(api(busy), "ledger/entries.csv?account=usd")))))

    assert len(rows) == 32
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal(rows[-1]["balance"]) == balance(busy.usd)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\ufeff@", "\u00a0+", "\uff1d"])
def test_no_text_in_a_csv_is_run_by_a_spreadsheet(start: str) -> None:
    [[text, amount]] = list(csv.reader(StringIO(csv_row([f'{start}cmd("x"),1', Decimal("-1E-8")]), newline="")))

    assert text == "'" + start + 'cmd("x"),1'
    assert amount == "-0.00000001"
    assert csv_row([f"{start}x"])[:2] == "\"'"


def _page(client: Any, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.content.decode()[:2000]
    return str(answer.content.decode())


def test_the_statement_page_goes_back_and_forth(browser: Any, busy: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = StatementFilter(account="usd")
    newest_part = queries.statement_of(busy.id, wanted, most=50)
    first = newest_part.entries[20].pk
    text = _page(browser(busy), f"/statement?account=usd&before={first}")
    assert "Opening balance" in text
    assert "Balance after" in text
    assert f"after={newest_part.entries[19].pk}" in text

    text = _page(browser(busy), f"/statement?account=usd&after={first}")
    assert "Balance before" in text
    assert "Closing balance" in text


@pytest.mark.parametrize("query", ["group=mood", "before=x", "after=-1", "before=99999999999999999999"])
def test_an_address_that_does_not_fit_is_said_on_the_page(browser: Any, ana: Person, query: str) -> None:
    assert 'role="alert"' in _page(browser(ana), f"/statement?{query}", status=422)


def test_the_sums_on_the_page_lead_to_their_entries(browser: Any, busy: Person) -> None:
    client = browser(busy)
    assert f"?account=usd&amp;machine={WINE}" in _page(client, "/statement?account=usd&group=machine")
    assert "kind=solving" in _page(client, "/statement?account=usd&group=kind")
    assert "since=20" in _page(client, "/statement?account=usd&group=day")


def test_costs_are_drawn_and_each_figure_leads_to_its_entries(browser: Any, busy: Person) -> None:
    text = _page(browser(busy), "/costs")

    assert '<svg viewBox="0 0 640 160" role="img" aria-label="Cost by day from' in text
    assert f"machine={WINE}&amp;since=20" in text
    assert "No machine cost anything then" in _page(browser(busy), "/costs?since=2001-01-01&until=2001-02-01")


@pytest.mark.parametrize("query", ["currency=EUR", "since=x", "since=2001-01-01&until=2031-01-01"])
def test_costs_of_no_period_or_currency_are_refused(browser: Any, ana: Person, query: str) -> None:
    assert 'role="alert"' in _page(browser(ana), f"/costs?{query}", status=422)


def test_the_income_page_shows_where_it_came_from(browser: Any, world: World, ana: Person) -> None:
    seller = world.person()
    use(world, ana, lines=100, owner=seller)
    client = browser(seller)

    assert "wine" in _page(client, "/payouts")
    assert "buyer " in _page(client, "/payouts?by=buyer")
    assert str(ana.id) not in _page(client, "/payouts?by=buyer")
    assert 'role="alert"' in _page(client, "/payouts?by=mood", status=422)


def test_a_charge_leads_to_its_quote_and_back(browser: Any, world: World, ana: Person, broke: Person) -> None:
    wanted, hold = world.hold(ana)
    event = new_id()
    deliver(world.trained(wanted), event_id=event)
    journal = Journal.objects.get(kind="training")
    story = _page(browser(ana), f"/journals/{journal.pk}")
    for told in (f"/quotes/{hold.quote_id}", str(event), str(hold.cause), "titan.ml.training.completed.v1"):
        assert told in story
    quote = _page(browser(ana), f"/quotes/{hold.quote_id}")
    for told in (f"/journals/{journal.pk}", str(hold.cause), f"/works/{wanted.work_id}", "captured"):
        assert told in quote

    _page(browser(broke), f"/quotes/{hold.quote_id}", status=404)


def test_what_was_taken_back_and_what_took_it_lead_to_each_other(browser: Any, world: World, ana: Person) -> None:
    use(world, ana)
    journal = Journal.objects.get(kind="solving")
    back = commands.reverse_journal(journal_id=journal.pk, reason="twice", by=new_id())

    assert f"/journals/{back.pk}" in _page(browser(ana), f"/journals/{journal.pk}")
    assert f"/journals/{journal.pk}" in _page(browser(ana), f"/journals/{back.pk}")


def test_a_person_sees_her_coupons_and_what_they_paid_for(browser: Any, world: World) -> None:
    person = world.person(coupon="5")
    world.coupon(person, "1", credit_days=3)
    use(world, person, lines=2000)
    text = _page(browser(person), "/my-coupons")

    assert text.index("used up") < text.index("spendable")  # what lapses first is spent first
    assert "4,00" in text
    assert text.count("Solving") == 2
    assert "No coupons yet" in _page(browser(world.person()), "/my-coupons")


def test_what_is_held_leads_to_its_work_and_quote(browser: Any, world: World, ana: Person) -> None:
    wanted, hold = world.hold(ana)
    text = _page(browser(ana), "/")

    assert f"/works/{wanted.work_id}" in text
    assert f"/quotes/{hold.quote_id}" in text


def test_the_wallet_names_what_is_hers_elsewhere(browser: Any, world: World, ana: Person) -> None:
    seller = world.person()
    use(world, ana, lines=100, owner=seller)

    assert "0,90 USD</span> earned on the market" in _page(browser(seller), "/")
    assert "Beside the wallet" not in _page(browser(ana), "/")
