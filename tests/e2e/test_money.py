"""The wallet, a statement that adds up, and a charge with its causes."""

from __future__ import annotations

from decimal import Decimal

import pytest
import world

expect = pytest.importorskip("playwright.sync_api", reason="deploy/setup.sh test e2e installs it").expect


def figure(text: str) -> Decimal:
    """An amount as a new account's formats write it."""
    kept = text.replace("\u202f", "").replace(",", ".").replace("−", "-")
    return Decimal("".join(sign for sign in kept if sign in "0123456789.-") or "0")


def test_a_top_up_is_in_the_wallet_and_says_that_it_is_test_money(bo):
    before = figure(bo.open("billing").locator(".tile .value").first.inner_text())
    world.top_up(bo, "12.5")
    expect(bo.page.get_by_role("status")).to_contain_text("test money")
    assert figure(bo.page.locator(".tile .value").first.inner_text()) == before + Decimal("12.5")


def test_an_amount_that_is_none_is_refused_and_kept(bo):
    page = bo.open("billing")
    page.get_by_label("Amount in USD").fill("-3")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Amount in USD")).to_have_value("-3")


def test_the_balance_column_is_the_sum_of_the_amounts(ada, training):
    page = ada.open("billing", "/statement?account=usd")
    rows = page.locator("tbody tr").all()
    balance = figure(rows[0].locator("td").nth(4).inner_text())
    assert len(rows) > 3
    for row in rows[1:-1]:
        cells = row.locator("td").all_inner_texts()
        balance += figure(cells[2]) - abs(figure(cells[3]))
        assert figure(cells[4]) == balance, cells
    assert figure(rows[-1].locator("td").nth(4).inner_text()) == balance
    assert balance == Decimal(ada.person.get("billing", "balances")["user_balance"])


def test_a_charge_names_quote_hold_event_and_work(ada, training):
    page = ada.open("billing", "/statement?account=usd&kind=training")
    page.get_by_role("link", name="Training").first.click()
    expect(page.locator("ol li strong")).to_have_text(["Quote", "Hold", "Event", "Work", "Journal"])
    page.get_by_role("link", name=training.work_id).click()
    page.wait_for_url(ada.url("ml", f"/works/{training.work_id}"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Training")


def cause(page, name):
    """One of a charge's causes, by what it is called."""
    return page.locator("ol li").filter(has=page.locator("strong", has_text=name))


def test_one_charge_is_followed_from_the_statement_to_the_machine(ada, training):
    page = ada.open("billing", "/statement?account=usd&group=machine")
    page.get_by_role("link", name="Doctor visits").click()
    page.get_by_role("link", name="Training").first.click()
    page.wait_for_url("**/journals/*")
    charge = page.url
    event = cause(page, "Event")
    expect(event).to_contain_text("titan.ml.training.completed.v1")
    expect(event.locator("time")).to_have_count(1)
    expect(event.locator("code")).to_have_count(2)
    expect(cause(page, "Hold")).to_contain_text("asked for by event")
    cause(page, "Quote").get_by_role("link").first.click()
    page.wait_for_url("**/quotes/*")
    expect(page.get_by_text("EAML at most")).to_be_visible()
    page.get_by_role("link", name="see the charge").click()
    page.wait_for_url(charge)
    cause(page, "Work").get_by_role("link", name="Doctor visits").click()
    page.wait_for_url(ada.url("ml", f"/machines/{training.machine_id}"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Doctor visits")


def test_a_day_of_the_cost_chart_leads_to_its_entries(ada, training):
    page = ada.open("billing", "/costs?currency=USD")
    expect(page.get_by_role("img", name="Cost by day")).to_be_visible()
    page.locator("tr", has_text="Doctor visits").locator("[data-label=Cost] a").first.click()
    page.wait_for_url("**/statement?**machine=**")
    expect(page.get_by_role("link", name="Training").first).to_be_visible()


def test_a_filter_is_kept_in_the_address_and_in_the_form(ada, training):
    page = ada.open("billing", "/statement")
    page.get_by_label("What").select_option("Training")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**kind=training**")
    page.reload()
    assert page.get_by_label("What").input_value() == "training"


def test_a_bill_is_read_from_the_list_and_its_line_leads_to_the_entries(ada, bill):
    page = ada.open("billing", "/bills")
    expect(page.get_by_text("Next bill so far")).to_be_visible()
    number = ada.person.get("billing", f"bills/{bill}")["number"]
    page.get_by_role("link", name=number, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(number)
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").click()
    assert download.value.suggested_filename == f"titan-bill-{number}.pdf"
    page.get_by_role("link", name="see the entry").click()
    expect(page.get_by_text("Tax of a bill, 19 %")).to_be_visible()
    page.locator("li", has_text="Bill").get_by_role("link", name=number).click()
    page.locator("table").get_by_role("link", name="Training").click()
    page.wait_for_url("**/statement?**kind=training**")
    expect(page.get_by_role("link", name="Training").first).to_be_visible()


def test_the_wallet_shows_the_next_bill_so_far(ada, training):
    page = ada.open("billing")
    expect(page.get_by_text("Next bill so far")).to_be_visible()
