"""A bot from the form: its backtest, and a paper run whose log misses and repeats no line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import world

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocketRoute

expect = pytest.importorskip("playwright.sync_api", reason="deploy/setup.sh test e2e installs it").expect

DROP_AFTER = 15


def offsets(page: Page) -> list[int]:
    """The log lines that are on the page, top to bottom."""
    found: list[int] = page.eval_on_selector_all(".log li", "lines => lines.map((one) => Number(one.dataset.offset))")
    return found


def texts(page: Page) -> list[str]:
    """What each line says, without its time and level."""
    said = page.locator(".log li > :last-child").all_inner_texts()
    return [" ".join(one.removesuffix("order").split()) for one in said]


def known(guest: world.Visitor, run: str) -> list[str]:
    """The same lines as the API tells them."""
    lines = list(guest.person.items("trading", f"runs/{run}/logs", limit=500))
    return [" ".join(line["message"].split()) for line in sorted(lines, key=lambda line: line["offset"])]


def ended(guest: world.Visitor, run: str) -> bool | None:
    return guest.person.get("trading", f"runs/{run}")["status"] == "completed" or None


def test_a_backtest_ends_with_a_report_against_holding(ada, backtest):
    page = ada.open("trading", f"/runs/{backtest}")
    expect(page.get_by_text("simply holding")).to_be_visible()
    expect(page.locator(".candles svg")).to_have_attribute("aria-label", re.compile(r"\d+ trades"))


def test_a_strategy_brings_its_own_parameters_without_a_new_page(ada, symbol):
    page = ada.open("trading", "/bots/new")
    page.get_by_label("Name").fill("kept")
    page.get_by_label("What it does").select_option("dca")
    expect(page.get_by_label("Fast average")).to_have_count(0)
    expect(page.get_by_label("Name")).to_have_value("kept")
    assert page.locator("#parameters").inner_text().strip()


@pytest.fixture(scope="module")
def dropped(ada, bot):
    """A paper run watched to its end while its socket is cut once and the page is loaded anew once."""
    sockets: list[WebSocketRoute] = []

    def cut_the_first(route: WebSocketRoute) -> None:
        sockets.append(route)
        server, first, heard = route.connect_to_server(), len(sockets) == 1, [0]

        def pass_on(message: str | bytes) -> None:
            heard[0] += 1
            route.send(message)
            if first and heard[0] == DROP_AFTER:
                server.close()
                route.close(code=1012)

        server.on_message(pass_on)

    ada.page.route_web_socket(re.compile(r"/ws/v1/runs/"), cut_the_first)
    run = world.start(ada, bot, "paper:stored", since="2005-01-01", until="2005-10-01", pace="10")
    page = ada.page
    seen: list[list[int]] = []
    reloaded = False
    while not ended(ada, run):
        page.wait_for_timeout(200)
        seen.append(offsets(page))
        if len(sockets) > 1 and not reloaded and len(seen[-1]) > 25:
            page.reload()
            reloaded = True
    total = ada.person.get("trading", f"runs/{run}")["log_offset"]
    world.until(lambda: (offsets(page)[-1:] == [total - 1]) or page.wait_for_timeout(100), "the last line")
    shown = (offsets(page), texts(page))
    return {"run": run, "sockets": len(sockets), "seen": seen, "reloaded": reloaded, "total": total, "shown": shown}


def test_every_line_is_shown_once_and_in_order_across_a_cut_socket_and_a_reload(ada, dropped):
    assert dropped["sockets"] >= 3
    assert dropped["reloaded"]
    assert dropped["shown"][0] == list(range(dropped["total"]))
    assert dropped["shown"][1] == known(ada, dropped["run"])


def test_lines_never_go_back_or_come_twice_while_the_run_goes_on(dropped):
    for line in dropped["seen"]:
        assert line == list(range(len(line)))
    lengths = [len(line) for line in dropped["seen"]]
    assert len(set(lengths)) > 5, "the log grew in front of the reader"


def test_a_filter_hides_lines_and_the_search_key_finds_the_field(ada, dropped):
    page = ada.open("trading", f"/runs/{dropped['run']}")
    page.locator("h1").click()
    page.keyboard.press("/")
    expect(page.get_by_label("Search")).to_be_focused()
    page.keyboard.type("filled")
    shown = page.locator(".log li:not([hidden])")
    assert 0 < shown.count() < dropped["total"]
    assert all("filled" in one for one in shown.all_inner_texts())


def test_a_run_is_stopped_from_its_page(ada, bot):
    run = world.start(ada, bot, "paper:stored", since="2005-01-01", until="2009-01-01", pace="5")
    page = ada.page
    page.get_by_role("button", name="Stop").click()
    page.wait_for_url(f"**/runs/{run}")
    expect(page.locator("#strip .state")).to_have_text(re.compile("cancelled|stopped|completed"))
