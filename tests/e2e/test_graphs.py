"""The graph builder in a browser: choices redraw at once, keep their place, and the address is the graph."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import browsing
import pytest
import world

expect = pytest.importorskip("playwright.sync_api", reason="deploy/setup.sh test e2e installs it").expect

SETTLED = ".htmx-request, .htmx-swapping, .htmx-settling"


@pytest.fixture(scope="module")
def builder(ada, tmp_path_factory):
    """Ada's browser at the builder of a table that she just sent; nothing needs to be trained for it."""
    file = world.table_file(tmp_path_factory.mktemp("graphs"))
    page = ada.open("ml", "/machines/new")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_label("Name").fill("Visits to look at")
    page.get_by_role("button", name="Upload and read").click()
    page.wait_for_url("**/setup")
    return page.url.rsplit("/", 1)[0] + "/graph"


@pytest.fixture
def page(ada, builder):
    """The builder with boxes of visits by health."""
    del ada.watched.errors[:]
    page = ada.page
    page.goto(f"{builder}?graph_type=8&x=hlthg&y=mdvis")
    yield page
    assert ada.watched.all_errors() == []


def query(page):
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def is_painted(page, dark=None):
    """The picture is there, the browser could draw it, and it is the dark one or not where that is asked."""
    picture = page.locator("figure.graph img")
    expect(picture).to_be_visible()
    # The other one is fetched while the page itself rests.
    drawn = """(image, dark) => image.complete && image.naturalWidth > 200
        && (dark === null || dark === image.currentSrc.includes("theme=dark"))"""
    return world.until(lambda: picture.evaluate(drawn, dark) or None, "the picture")


def test_the_picture_is_painted_under_the_pages_policy(page):
    assert is_painted(page)
    expect(page.locator("figure.graph img")).to_have_attribute("alt", re.compile("Grouped boxplots: mdvis by hlthg"))


def test_a_choice_redraws_at_once_and_the_address_and_the_focus_follow(page):
    page.evaluate("window.sameDocument = true")
    page.get_by_label("hue").focus()
    page.get_by_label("hue").select_option("physlm")
    expect(page.locator("figure.graph img")).to_have_attribute("alt", re.compile("by hlthg, by physlm"))
    page.wait_for_selector(SETTLED, state="detached")
    assert query(page) == {"graph_type": "8", "x": "hlthg", "y": "mdvis", "hue": "physlm"}
    expect(page.get_by_label("hue")).to_be_focused()
    assert page.evaluate("window.sameDocument === true")
    assert is_painted(page)


def test_another_type_takes_the_columns_along(page):
    page.get_by_label("Type").select_option("12")
    expect(page.locator("figure.graph img")).to_have_attribute("alt", re.compile("Horizontal boxplot"))
    assert query(page)["graph_type"] == "12"
    assert is_painted(page)


def test_back_leads_to_the_graph_before(page):
    page.get_by_label("Palette").select_option("Set2")
    page.wait_for_url("**palette=Set2**")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_label("Palette")).to_have_value("Light24")


def test_a_column_that_does_not_fit_is_named_with_what_would(page, builder):
    page.goto(f"{builder}?graph_type=9&x=hlthg&y=mdvis&hue=mdvis")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Would fit:")


def test_the_figures_stand_below_as_a_table(page):
    region = page.get_by_role("region", name="The boxes")
    expect(region.get_by_role("columnheader", name="median")).to_be_visible()


@pytest.mark.parametrize("ending", ["SVG", "PNG", "PDF"])
def test_a_picture_is_downloaded(page, ending):
    with page.expect_download() as download:
        page.get_by_role("link", name=ending, exact=True).click()
    assert download.value.suggested_filename == f"graph.{ending.lower()}"


def test_a_graph_is_kept_and_found_in_the_list(page):
    page.get_by_label("Name").fill("Visits by health")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("status").filter(has_text="Kept.")).to_be_visible()
    page.get_by_role("link", name="Visits by health").click()
    assert is_painted(page)


def test_frames_follow_each_other(page, builder):
    page.goto(f"{builder}?graph_type=4&x=mdvis&animation_frame=physlm")
    before = page.get_by_label("physlm").input_value()
    page.get_by_role("button", name="Later").click()
    page.wait_for_url(re.compile(r"[?&]frame="))
    expect(page.get_by_label("physlm")).not_to_have_value(before)
    assert is_painted(page)


def test_the_builder_fits_on_a_phone_in_light_and_dark(page):
    page.set_viewport_size(browsing.PHONE)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert is_painted(page, dark=scheme == "dark")
        assert browsing.too_wide(page) == []
    page.set_viewport_size(browsing.DESKTOP)


def test_without_scripts_the_form_leads_to_the_graph(browser, stack, ada, builder):
    guest = world.visitor(browser, stack, ada.email, java_script_enabled=False)
    page = guest.page
    browsing.sign_in(page, stack.url("identity"), ada.email, world.PASSWORD)
    page.goto(builder)
    page.get_by_label("Type").select_option("13")
    page.get_by_role("button", name="Draw").click()
    assert query(page)["graph_type"] == "13"
    expect(page.locator("figure.graph img")).to_be_visible()
    guest.context.close()
