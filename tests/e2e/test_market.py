"""Buying on the market: what the buyer sees before and after, and what the seller has of it."""

from __future__ import annotations

import re

import world


def test_bought_lines_are_downloaded_whole(ada: world.Visitor, purchase: str) -> None:
    page = ada.open("ml", f"/purchases/{purchase}")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the lines").click()
    assert len(waiting.value.path().read_text().splitlines()) == world.LINES + 1


def test_the_buyer_is_charged_what_the_listing_said(ada: world.Visitor, purchase: str) -> None:
    charged = ada.person.get("ml", f"purchases/{purchase}")["charged"]
    world.until(lambda: _charge(ada, purchase), "the charge")
    assert charged in ([], [{"currency": "USD", "amount": "2.5"}])
    page = ada.open("billing", f"/journals/{_charge(ada, purchase)}")
    page.get_by_text("Bought the lines of Visits for sale").wait_for()
    page.get_by_role("link", name=purchase).click()
    page.get_by_role("link", name="Download the lines").wait_for()


def test_the_seller_earned_it_less_the_fee_and_sees_who_bought(
    ada: world.Visitor, bo: world.Visitor, purchase: str
) -> None:
    world.until(lambda: _charge(ada, purchase), "the charge")
    machine_id = ada.person.get("ml", f"purchases/{purchase}")["machine_id"]
    page = bo.open("ml", f"/machines/{machine_id}")
    page.get_by_role("cell", name="Ada Quant").wait_for()
    page = bo.open("billing", "/payouts")
    page.get_by_role("cell", name=re.compile(r"2[.,]25")).first.wait_for()


def _charge(buyer: world.Visitor, purchase: str) -> str | None:
    operations = buyer.person.items("billing", "operations")
    return next((str(one["journal_id"]) for one in operations if one["work_id"] == purchase), None)
