"""A table becomes a machine: upload, correction, training that shows itself, solving."""

from __future__ import annotations

import re

import accessible
import browsing
import pytest

expect = pytest.importorskip("playwright.sync_api", reason="deploy/setup.sh test e2e installs it").expect


def test_a_corrected_column_stays_corrected(training):
    assert training.role_kept == "ignore"


def test_the_price_is_known_before_the_start(training):
    assert re.search(r"[1-9].* EAML", training.price)


def test_a_training_shows_its_progress_without_being_loaded_again(training):
    assert training.stayed
    assert training.percents == sorted(training.percents)
    assert len(training.percents) > 1, training.percents


def test_a_machine_shows_its_score_beside_what_needs_no_machine(ada, training):
    page = ada.open("ml", f"/machines/{training.machine_id}")
    row = page.get_by_role("region", name="Scores beside the baselines").get_by_role("row").nth(1)
    for label in ("This machine", "Always the same answer", "Linear model"):
        expect(row.locator(f"[data-label='{label}']")).to_have_text(re.compile(r"\d"))


def test_a_real_row_is_solved_in_the_form_and_named_with_its_cost(ada, training):
    page = ada.open("ml", f"/machines/{training.machine_id}/solve")
    page.get_by_role("link", name="Fill with a real row").click()
    page.get_by_role("button", name="Solve").click()
    answer = page.get_by_role("status")
    expect(answer).to_be_focused()
    expect(answer).to_contain_text(re.compile(r"mdvis: −?\d"))
    expect(answer).to_contain_text("This cost")


def test_a_file_that_is_no_table_is_refused_at_its_field(ada, tmp_path):
    file = tmp_path / "empty.csv"
    file.write_bytes(b"")
    page = ada.open("ml", "/machines/new")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and read").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_have_text("Upload a table")


def test_a_file_on_its_way_says_so_and_is_sent_once(ada, tmp_path):
    file = tmp_path / "small.csv"
    file.write_text("size,price\n" + "".join(f"{n},{3 * n}\n" for n in range(40)))
    page = ada.open("ml", "/machines/new")
    sent = []

    def hold_on(route):
        if route.request.method == "POST":
            sent.append(route.request.url)
            expect(page.get_by_text("Sending and reading the file")).to_be_visible()
            expect(page.get_by_role("button", name="Upload and read")).to_be_disabled()
        route.continue_()

    page.route("**/machines/new", hold_on)
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and read").click()
    page.wait_for_url("**/setup")
    page.unroute("**/machines/new")
    assert len(sent) == 1


@pytest.fixture
def large(ada, tmp_path):
    """Ada's browser at the page of a large file that was just sent."""
    file = tmp_path / "large.csv"
    lines = (f"{n},{n % 97 / 7:.6f},{n % 1013 / 3:.6f},{'red' if n % 3 else 'blue'},{n % 11}\n" for n in range(500_000))
    file.write_text("number,width,height,colour,price\n" + "".join(lines))
    page = ada.open("ml", "/machines/new")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload and read").click()
    page.wait_for_url("**/readings/*", timeout=60_000)
    return page


def test_a_large_file_is_read_while_its_page_shows_how_far(large):
    large.set_viewport_size(browsing.PHONE)
    expect(large.get_by_role("button", name="Cancel")).to_be_visible()
    assert browsing.too_wide(large) == []
    assert accessible.findings(large) == []
    large.set_viewport_size(browsing.DESKTOP)
    large.wait_for_url("**/setup", timeout=120_000)
    expect(large.get_by_role("heading", level=1)).to_have_text("large: table and columns")


def test_a_large_file_that_is_cancelled_leaves_nothing(ada, large):
    before = len(list(ada.person.items("ml", "machines")))
    large.get_by_role("button", name="Cancel").click()
    expect(large.get_by_role("status").first).to_contain_text("Nothing of the file was kept")
    expect(large.get_by_role("link", name="Upload again")).to_be_visible()
    assert len(list(ada.person.items("ml", "machines"))) == before
