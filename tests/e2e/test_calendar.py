"""The calendar: imported by the operator, filtered in the address, read without an account of its own."""

from __future__ import annotations

import pytest

expect = pytest.importorskip("playwright.sync_api", reason="deploy/setup.sh test e2e installs it").expect

pytestmark = pytest.mark.usefixtures("calendar")


def test_a_filter_is_in_the_address_and_survives_a_reload(ada):
    page = ada.open("scheduler")
    page.get_by_label("Search").fill("Federal Funds")
    page.get_by_text("Days, countries").click()
    page.get_by_label("From").fill("2005-01-01")
    page.get_by_label("To").fill("2005-12-31")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**from=2005-01-01**")
    page.reload()
    days = page.locator("th[scope=rowgroup]").all_inner_texts()
    assert len(days) == 8
    assert all("2005" in day for day in days)


def test_a_filter_that_fits_nothing_says_so(ada):
    page = ada.open("scheduler", "/?q=nothing+is+called+so")
    expect(page.get_by_text("No event matches")).to_be_visible()


def test_an_event_opens_from_its_name(ada):
    page = ada.open("scheduler", "/?from=2005-01-01&to=2005-12-31")
    page.get_by_role("link", name="Federal Funds Target Rate").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Federal Funds Target Rate")


def test_a_file_with_one_bad_line_imports_nothing_and_names_the_line(operator, tmp_path):
    file = tmp_path / "broken.csv"
    file.write_text(
        "date,time,country,event_name,importance\n2031-01-02,10:00,US,Good line,high\n31.31.2031,,US,Bad,high\n"
    )
    page = operator.open("scheduler")
    page.get_by_label("CSV or iCalendar file").set_input_files(file)
    page.get_by_label("Source").fill("broken")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 3")
    operator.open("scheduler", "/?q=Good+line")
    expect(page.get_by_text("No event matches")).to_be_visible()


def test_only_operators_import(ada):
    assert ada.open("scheduler").get_by_label("CSV or iCalendar file").count() == 0
