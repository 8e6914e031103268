"""Trading's pages, as a browser without JavaScript sees them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient

from trading import commands
from trading.models import Bot, Symbol

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "timeseries"]),
    pytest.mark.usefixtures("exchanges"),
]
CSV = "date,open,high,low,close,volume\n2020-01-01,1,2,1,2,5\n2020-01-02,2,3,2,3,5\n2020-01-06,3,4,3,4,5\n"


@pytest.fixture
async def page(ada, browser):
    client = await sync_to_async(browser)(ada)

    async def read(path: str) -> str:
        answer = await client.get(path)
        assert answer.status_code == 200, answer.content
        return answer.content.decode()

    read.client = client  # type: ignore[attr-defined]
    return read


async def ended_run(bot: Any, drive: Any, ada: Any, **fields: Any) -> Any:
    def work() -> Any:
        run = commands.start_run(user_id=ada.pk, bot_id=bot(**fields).pk, mode="backtest")
        drive()
        run.refresh_from_db()
        return run

    return await sync_to_async(work)()


@pytest.mark.parametrize("path", ["/", "/bots/new", "/symbols", "/keys"])
async def test_pages_need_a_sign_in(path):
    assert (await AsyncClient().get(path)).status_code == 302


async def test_an_empty_list_says_what_would_be_there(page):
    assert "No bots yet" in await page("/")
    assert "No symbols yet" in await page("/bots/new")
    assert "No keys yet" in await page("/keys")


async def test_from_the_first_symbol_to_a_bot_by_forms_alone(page, ada):
    client = page.client
    made = await client.post("/symbols", {"ticker": "ACME", "exchange": "NASDAQ", "asset_type": "EQUITY"})
    await client.post(f"{made['location']}/load", {"file": SimpleUploadedFile("p.csv", CSV.encode())})
    shown = await page(made["location"])
    assert "3 new" in shown
    assert "Gaps" in shown
    symbol = await Symbol.objects.aget()
    body = {
        "name": "steady",
        "symbol_id": symbol.pk,
        "strategy": "dca",
        "timeframe": "1d",
        "p.amount": "50",
        "p.every": "2",
        "pause.high": "1",
        "pause.high.before": "60",
        "pause.high.after": "30",
    }
    answer = await client.post("/bots/new", body)
    assert answer.status_code == 302, answer.content
    bot = await Bot.objects.aget()
    assert bot.parameters == {"amount": "50", "every": 2, "max_cost": None}
    assert bot.pauses == {"high": {"before": 60, "after": 30}}


async def test_the_form_of_a_bot_follows_the_strategys_schema(page, market):
    await sync_to_async(market)()
    shown = await page("/bots/new")
    assert 'name="p.slow"' in shown
    assert '<option value="ml_signal">Signal of a machine</option>' in shown
    other = await page("/bots/parameters?strategy=dca")
    assert 'name="p.every"' in other
    assert 'name="p.slow"' not in other


async def test_a_wrong_form_keeps_the_input_and_names_the_field(page, market):
    symbol = await sync_to_async(market)()
    body = {"name": "keep me", "symbol_id": symbol.pk, "strategy": "momentum", "p.fast": "30", "p.slow": "20"}
    answer = await page.client.post("/bots/new", body)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="keep me"' in text
    assert "must be smaller than slow" in text
    assert "<title>Error: New bot" in text


@pytest.mark.parametrize(("sign", "made"), [(",", True), (".", False)])
async def test_a_comma_is_the_decimal_sign_of_those_who_chose_it(page, ada, market, sign, made):
    symbol = await sync_to_async(market)()
    ada.decimal_separator = sign
    await ada.asave()
    body = {"name": "b", "symbol_id": symbol.pk, "strategy": "dca", "p.amount": "50", "p.every": "2"}
    answer = await page.client.post("/bots/new", body | {"starting_cash": "1,500"})
    assert answer.status_code == (302 if made else 422)
    assert made or "Give a number" in answer.content.decode()
    assert not made or (await Bot.objects.aget()).starting_cash == Decimal("1.5")


async def test_a_run_page_shows_verdict_log_chart_orders_and_report(page, bot, drive, ada):
    run = await ended_run(bot, drive, ada)
    shown = await page(f"/runs/{run.pk}")
    assert "completed" in shown
    assert "run.started" in shown
    assert shown.count('<path class="trade') > 0
    assert run.report["fills_sha256"] in shown
    order = re.search(r'id="order-([0-9a-f-]{36})"', shown)
    assert order
    assert f'href="#order-{order.group(1)}"' in shown


async def test_the_parts_that_refresh_themselves_stop_when_the_run_has_ended(page, bot, drive, ada):
    run = await ended_run(bot, drive, ada)
    for part in ("strip", "charts"):
        assert "hx-get" not in await page(f"/runs/{run.pk}/{part}")


async def test_stopping_and_pausing_are_posts(page, bot, ada):
    run = await sync_to_async(lambda: commands.start_run(user_id=ada.pk, bot_id=bot().pk, mode="paper"))()
    assert (await page.client.get(f"/runs/{run.pk}/stop")).status_code == 405
    await page.client.post(f"/runs/{run.pk}/pause")
    assert "paused by its owner" in await page("/")
    await page.client.post(f"/runs/{run.pk}/stop")
    assert "stopping" in await page(f"/runs/{run.pk}")


async def test_other_peoples_pages_are_not_there(person, browser, bot, drive, ada):
    run = await ended_run(bot, drive, ada)
    stranger = await sync_to_async(lambda: browser(person()))()
    for path in (f"/runs/{run.pk}", f"/bots/{run.bot_id}", f"/symbols/{run.run_parameters['symbol_id']}"):
        assert (await stranger.get(path)).status_code == 404


async def test_pages_hold_no_inline_script_or_style(page, bot, drive, ada):
    run = await ended_run(bot, drive, ada)
    for path in ("/", "/bots/new", "/symbols", "/keys", f"/runs/{run.pk}", f"/bots/{run.bot_id}"):
        shown = await page(path)
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|hx-on|javascript:", shown), path


async def test_what_a_form_sent_as_secret_is_not_sent_back(page):
    body = {"exchange": "Binance", "name": "k", "api_key": "AKIA-very-visible"}
    answer = await page.client.post("/keys", body)
    assert answer.status_code == 422
    assert b"AKIA-very-visible" not in answer.content
