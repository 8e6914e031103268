"""Help asked for and given: from the board to the paid contract, in two browsers and one of an operator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import world

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api", reason="deploy/setup.sh test e2e installs it").expect


def asked(ada: world.Visitor) -> Page:
    """Ada's page of a request that she has just put on the board."""
    page = ada.open("billing")
    page.get_by_role("link", name="Consulting").click()
    page.get_by_role("link", name="Ask for help").first.click()
    page.get_by_label("Category").select_option("API Integration")
    page.get_by_label("What you need").fill("Show the forecast in our shop.")
    page.get_by_role("button", name="Put it on the board").click()
    expect(page.get_by_role("status")).to_contain_text("on the board")
    return page


def test_a_request_becomes_a_contract_that_is_paid_out_of_escrow(ada: world.Visitor, bo: world.Visitor, tmp_path: Path):
    page = asked(ada)
    address = page.url
    other = bo.open("billing", "/consulting/board")
    other.get_by_text("Show the forecast in our shop.").wait_for()
    other.goto(address)
    other.get_by_label("Amount in USD").fill("10")
    other.get_by_label("Days from the signature").fill("4")
    other.get_by_role("button", name="Offer", exact=True).click()
    expect(other.get_by_role("status")).to_contain_text("Your offer stands")

    page.reload()
    page.get_by_role("button", name="Choose the offer").click()
    expect(page.get_by_role("status")).to_contain_text("escrow")
    other.reload()
    other.get_by_role("button", name="Sign", exact=True).click()
    expect(other.get_by_role("status")).to_contain_text("10 USD are in escrow")
    file = tmp_path / "answer.csv"
    file.write_text("day,visits\n1,2\n")
    other.get_by_label("Add a file").set_input_files(file)
    other.get_by_role("button", name="Add", exact=True).click()
    expect(other.get_by_role("status")).to_contain_text("answer.csv is kept")
    other.get_by_label("What you delivered").fill("A table.")
    other.get_by_role("button", name="Deliver").click()

    page.reload()
    with page.expect_download() as arrived:
        page.get_by_role("link", name="answer.csv").click()
    assert Path(arrived.value.path()).read_text() == "day,visits\n1,2\n"
    page.get_by_role("button", name="Accept the work").click()
    expect(page.get_by_role("status")).to_contain_text("has earned 9 USD")
    page.get_by_role("link", name="the entry").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Contract finished")
    page.locator("ol").get_by_role("link", name=address.rsplit("/", 1)[1]).click()
    page.wait_for_url(address)


def test_a_program_is_no_table_whatever_it_is_called(ada: world.Visitor, contract: str, tmp_path: Path):
    page = ada.open("billing", f"/consulting/{contract}")
    file = tmp_path / "table.csv"
    file.write_bytes(b"MZ" + bytes(500))
    page.get_by_label("Add a file").set_input_files(file)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("exe")


def test_an_operator_shares_a_disputed_escrow_out(ada: world.Visitor, bo: world.Visitor, operator: world.Visitor):
    contract = world.disputed(ada, bo)
    page = operator.open("billing", "/disputes")
    row = page.locator("section", has=page.locator(f'a[href$="{contract}"]'))
    row.get_by_label("Consultant's share").fill("50")
    row.get_by_label("Why").fill("Half of it is there.")
    row.get_by_role("button", name="Settle").click()
    expect(page.get_by_role("status")).to_contain_text("1.35 USD to the consultant, 0.15 USD fee, 1.5 USD back")
    assert ada.person.get("billing", f"contracts/{contract}")["status"] == "finished"
