"""Signing up, in and out, the way back to where one was, and what an account holds."""

from __future__ import annotations

import os
import re

import browsing
import pytest
import world

from titan.demo.client import Person

expect = pytest.importorskip("playwright.sync_api", reason="deploy/setup.sh test e2e installs it").expect


def test_who_registers_is_signed_in_on_all_five_services(bo):
    for service in ("identity", "ml", "billing", "trading", "scheduler"):
        bo.open(service)
        assert "sign-in" not in bo.page.url


def test_a_wrong_password_keeps_the_address_and_puts_the_focus_on_the_problem(browser, stack, bo):
    guest = world.visitor(browser, stack, bo.email)
    page = guest.page
    page.goto(guest.url("identity", "/sign-in"))
    page.get_by_label("E-mail").fill(bo.email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("E-mail")).to_have_value(bo.email)
    expect(page).to_have_title(re.compile("^Error: "))
    guest.context.close()


def test_signing_in_leads_back_to_the_page_one_asked_for(browser, stack, bo):
    guest = world.visitor(browser, stack, bo.email)
    guest.page.goto(guest.url("billing", "/statement?account=coupon"))
    assert guest.page.url.startswith(guest.url("identity", "/sign-in"))
    guest.page.get_by_label("E-mail").fill(bo.email)
    guest.page.get_by_label("Password").fill(world.PASSWORD)
    guest.page.get_by_role("button", name="Sign in").click()
    guest.page.wait_for_url(guest.url("billing", "/statement?account=coupon"))
    guest.context.close()


def test_signing_out_closes_every_service(browser, stack):
    guest = world.visitor(browser, stack, f"zoe-{os.getpid()}@example.org")
    world.register(guest, "Zoe", "Leaving")
    page = guest.open("identity")
    page.locator("form[action$=sign-out]").get_by_role("button").click()
    page.wait_for_url("**/sign-in")
    for service in ("ml", "billing", "trading", "scheduler", "identity"):
        page.goto(guest.url(service))
        assert page.url.startswith(guest.url("identity", "/sign-in"))
    guest.context.close()


def test_a_team_is_made_and_its_invitation_link_is_shown_once(ada, team):
    page = ada.open("identity")
    page.get_by_role("link", name=team).click()
    page.get_by_role("button", name="Make link").click()
    link = page.locator(".note code").inner_text()
    assert "/invitations/" in link
    page.goto(page.url)
    assert link not in page.content()


def test_an_api_key_is_shown_once_and_opens_what_it_says(ada, stack):
    page = ada.open("identity")
    page.get_by_label("New key").fill("for a test")
    page.get_by_label("Look at machines").check()
    page.get_by_role("button", name="Make key").click()
    key = page.locator("pre").inner_text().strip()
    program = Person(stack, "a program")
    program.token = key
    assert program.get("ml", "machines")["items"] is not None
    assert program.try_post("billing", "topups", {"amount_usd": "1"}).status_code == 403
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("row").filter(has_text="for a test")).to_contain_text("ml:read")
    assert key not in page.content()


def test_chosen_formats_change_every_service(bo):
    page = bo.open("identity")
    page.get_by_label("Decimal separator").select_option("point 1.5")
    page.get_by_label("Date", exact=True).select_option("year month day")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("status")).to_contain_text("Your formats are set.")
    expect(page.locator("main")).to_contain_text(re.compile(r"Now it is \d{4}/\d\d/\d\d"))

    def shown() -> bool | None:
        return "0.00" in bo.open("billing").locator(".tiles").first.inner_text() or None

    world.until(shown, "the wallet in the chosen format")


def test_a_page_fits_a_phone_before_signing_in(browser, stack):
    guest = world.visitor(browser, stack, "nobody@example.org")
    guest.page.set_viewport_size(browsing.PHONE)
    for path in ("/sign-in", "/register"):
        guest.page.goto(guest.url("identity", path))
        assert browsing.too_wide(guest.page) == []
    assert guest.watched.all_errors() == []
    guest.context.close()
