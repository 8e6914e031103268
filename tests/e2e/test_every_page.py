"""What holds on every page of the five services: whole, labelled, narrow enough, closed to strangers."""

from __future__ import annotations

import accessible
import browsing
import httpx
import places
import pytest
import world

expect = pytest.importorskip("playwright.sync_api", reason="deploy/setup.sh test e2e installs it").expect

# Not "solve": a machine on the market is solved by anybody, for its price.
OWN = (
    *("machine", "columns", "delete-machine", "training", "purchase", "top-up"),
    *("entry", "quote", "bill", "bot", "run", "job", "team"),
)


@pytest.fixture(scope="session")
def addresses(everything):
    """The address of every page."""
    return places.addresses(everything.person)


@pytest.mark.parametrize("name", places.PAGES)
def test_a_page_is_whole(everything, addresses, name):
    page, watched = everything.page, everything.watched
    del watched.errors[:]
    page.set_viewport_size(browsing.DESKTOP)
    answer = page.goto(addresses[name])
    assert answer is not None
    assert answer.status == 200
    assert "unsafe" not in (answer.header_value("content-security-policy") or "unsafe: there is no policy")
    assert page.locator("h1").count() == 1
    assert page.title().endswith("· TITAN")
    assert browsing.unlabelled(page) == []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert accessible.findings(page) == [], scheme
    page.set_viewport_size(browsing.PHONE)
    assert browsing.too_wide(page) == []
    assert watched.all_errors() == []
    page.set_viewport_size(browsing.DESKTOP)


@pytest.mark.parametrize("name", places.OPERATORS)
def test_an_operators_page_is_whole(operator, calendar, name):
    service, path = places.OPERATORS[name]
    del operator.watched.errors[:]
    page = operator.open(service, path)
    assert accessible.findings(page) == []
    page.set_viewport_size(browsing.PHONE)
    assert browsing.too_wide(page) == []
    page.set_viewport_size(browsing.DESKTOP)
    assert page.locator("h1").count() == 1
    assert operator.watched.all_errors() == []


@pytest.mark.parametrize("name", OWN)
def test_a_stranger_finds_nothing_there(bo, addresses, name):
    answer = bo.page.goto(addresses[name])
    assert answer is not None
    assert answer.status == 404
    expect(bo.page.get_by_role("heading", level=1)).to_be_visible()


def test_every_page_sends_who_is_signed_out_to_sign_in(stack, addresses):
    with httpx.Client(trust_env=False, timeout=30) as signed_out:
        for url in addresses.values():
            answer = signed_out.get(url)
            assert answer.status_code == 302, url
            assert answer.headers["location"].startswith(f"{stack.url('identity')}/continue?next="), url


def test_scripts_and_styles_of_a_page_are_small(everything, addresses):
    sizes: dict[str, int] = {}

    def weigh(url: str) -> None:
        if url.endswith((".js", ".css")):
            answer = httpx.get(url, headers={"accept-encoding": "identity"}, trust_env=False, timeout=30)
            sizes[url] = len(answer.content)

    everything.page.on("request", lambda request: weigh(request.url))
    everything.page.goto(addresses["run"])
    assert 0 < sum(sizes.values()) < 100_000, sizes


def test_the_keyboard_reaches_the_content_first(everything):
    page = everything.open("ml")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()


def test_without_scripts_one_signs_in_filters_uploads_and_tops_up(browser, stack, ada, calendar, tmp_path):
    guest = world.visitor(browser, stack, ada.email, java_script_enabled=False)
    page = guest.page
    browsing.sign_in(page, stack.url("identity"), ada.email, world.PASSWORD)
    page.goto(guest.url("scheduler"))
    page.get_by_label("Search").fill("Federal Funds")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("link", name="Federal Funds Target Rate").first).to_be_visible()
    page.goto(guest.url("billing", "/statement"))
    page.get_by_label("Account").select_option("Coupons")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Closing balance")).to_be_visible()
    page.goto(guest.url("ml", "/machines/new"))
    page.get_by_label("File", exact=True).set_input_files(world.table_file(tmp_path))
    page.get_by_role("button", name="Upload and read").click()
    expect(page.get_by_role("button", name="Apply corrections")).to_be_visible()
    world.top_up(guest, "1")
    guest.context.close()
