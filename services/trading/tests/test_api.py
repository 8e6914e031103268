"""The HTTP side: who may do what, what is answered, and how errors look."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient

from event_bus.testing import said
from shared_models.events import trading as events
from trading import commands
from trading.models import UserAPIKey
from trading.tests.stories import wandering

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "timeseries"]),
    pytest.mark.usefixtures("exchanges"),
]
ROOT = "/api/v1"
SYMBOL = {"exchange": "NASDAQ", "ticker": "ACME", "asset_type": "EQUITY"}


async def post(client: Any, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    return await client.post(ROOT + path, json.dumps(body or {}), content_type="application/json", headers=headers)


async def get(client: Any, path: str) -> Any:
    return await client.get(ROOT + path)


def prices_file(count: int = 60) -> SimpleUploadedFile:
    lines = [f"{c.opened_at:%Y-%m-%dT%H:%MZ},{c.open},{c.high},{c.low},{c.close},{c.volume}" for c in wandering(count)]
    text = "time,open,high,low,close,volume\n" + "\n".join(lines)
    return SimpleUploadedFile("acme.csv", text.encode(), content_type="text/csv")


@pytest.fixture
async def client(ada, api):
    return await sync_to_async(api)(ada)


@pytest.fixture
async def stranger(person, api):
    return await sync_to_async(lambda: api(person()))()


async def symbol_with_prices(client: Any) -> str:
    made = (await post(client, "/symbols", SYMBOL)).json()
    answer = await client.post(f"{ROOT}/symbols/{made['id']}/prices/file", {"file": prices_file()})
    assert answer.status_code == 200, answer.content
    return str(made["id"])


async def test_from_symbol_over_prices_and_bot_to_a_run(client, drive):
    symbol = await symbol_with_prices(client)
    bot = await post(
        client,
        "/bots",
        {
            "name": "first",
            "strategy": "momentum",
            "pair": "acme",
            "parameters": {"fast": 3, "slow": 8, "quantity": "1"},
        },
    )
    assert bot.status_code == 201, bot.content
    assert (bot.json()["symbol_id"], bot.json()["risk_percentage"]) == (symbol, "1")
    run = await post(client, f"/bots/{bot.json()['id']}/runs", {"mode": "backtest"})
    await sync_to_async(drive)()
    path = f"/runs/{run.json()['id']}"
    done = (await get(client, path)).json()
    assert (done["status"], done["progress"]) == ("completed", 1.0)
    assert done["report"]["fills"] == len((await get(client, f"{path}/fills")).json()["items"]) > 0
    assert len((await get(client, f"{path}/equity")).json()["items"]) == 60
    lines = (await get(client, f"{path}/logs?after=-1&limit=3")).json()
    assert [line["offset"] for line in lines["items"]] == [0, 1, 2]
    rest = (await get(client, f"{path}/logs?after={lines['next_cursor']}")).json()["items"]
    assert rest[0]["offset"] == 3


async def test_loading_candles_again_says_what_is_new_revised_and_missing(client):
    symbol = await symbol_with_prices(client)
    rows = [
        {
            "timestamp": f"{c.opened_at:%Y-%m-%dT%H:%M:%SZ}",
            "open": str(c.open),
            "high": str(c.high + n),
            "low": str(c.low),
            "close": str(c.close),
            "volume": str(c.volume),
        }
        for n, c in enumerate([*wandering(62)[58:60], wandering(62)[61]])
    ]
    body = {"timeframe": "1h", "source": "upload", "candles": rows}
    answer = (await post(client, f"/symbols/{symbol}/prices", body)).json()
    assert (answer["new"], answer["revised"], answer["unchanged"]) == (1, 1, 1)
    assert [gap["missing"] for gap in answer["gaps"]] == [1] if answer["gaps"] else True
    said_now = await sync_to_async(said)(events.PricesIngested)
    assert [(event.candles, event.revised) for event in said_now] == [(60, 0), (3, 1)]


async def test_coarser_candles_are_derived_and_never_stored_beside_finer_ones(client):
    symbol = await symbol_with_prices(client)
    daily = (await get(client, f"/symbols/{symbol}/prices?timeframe=1d")).json()["items"]
    hourly = (await get(client, f"/symbols/{symbol}/prices?timeframe=1h")).json()["items"]
    assert (daily[0]["open"], daily[0]["close"]) == (hourly[0]["open"], hourly[23]["close"])
    body = {"timeframe": "1d", "source": "upload", "candles": [{**daily[0]}]}
    answer = await post(client, f"/symbols/{symbol}/prices", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, "timeframe")


async def test_the_feature_table_has_a_target_for_every_row(client):
    symbol = await symbol_with_prices(client)
    made = (await post(client, "/symbols", SYMBOL | {"ticker": "LONG"})).json()
    await client.post(f"{ROOT}/symbols/{made['id']}/prices/file", {"file": prices_file(100)})
    answer = await client.get(f"{ROOT}/symbols/{made['id']}/features.csv?timeframe=1h")
    header, *rows = answer.content.decode().splitlines()
    assert header.endswith("next_return,direction")
    assert len(rows) == 100 - 61 + 1 - 2
    assert symbol != made["id"]


async def test_a_start_repeated_under_one_idempotency_key_is_one_run(client):
    await symbol_with_prices(client)
    bot = (await post(client, "/bots", {"name": "b", "strategy": "dca", "pair": "ACME"})).json()
    headers = {"idempotency-key": "start-1"}
    runs = [await post(client, f"/bots/{bot['id']}/runs", {"mode": "backtest"}, **headers) for _ in range(2)]
    assert runs[0].json()["id"] == runs[1].json()["id"]
    assert runs[1].status_code == 201


async def test_other_peoples_things_are_not_there(client, stranger, ada):
    symbol = await symbol_with_prices(client)
    bot = (await post(client, "/bots", {"name": "b", "strategy": "dca", "pair": "ACME"})).json()
    run = (await post(client, f"/bots/{bot['id']}/runs", {"mode": "backtest"})).json()
    key = await sync_to_async(commands.add_key)(
        user_id=ada.pk, exchange="TITAN", name="k", credentials={"api_key": "tk_0123456789abcdef"}
    )
    for path in (
        f"/symbols/{symbol}",
        f"/bots/{bot['id']}",
        f"/runs/{run['id']}",
        f"/runs/{run['id']}/logs",
        f"/symbols/{symbol}/prices?timeframe=1h",
        f"/runs/{run['id']}/fills",
        f"/runs/{uuid4()}",
    ):
        assert (await get(stranger, path)).status_code == 404, path
    for path in (f"/runs/{run['id']}/stop", f"/bots/{bot['id']}/runs", f"/keys/{key.pk}/test"):
        assert (await post(stranger, path)).status_code == 404, path
    assert (await stranger.delete(f"{ROOT}/keys/{key.pk}")).status_code == 404
    body = {"name": "thief", "strategy": "dca", "symbol_id": symbol}
    assert (await post(stranger, "/bots", body)).status_code == 404
    for path in ("/bots", "/runs", "/keys", "/symbols"):
        assert (await get(stranger, path)).json()["items"] == []


@pytest.mark.parametrize("path", ["/bots", "/runs", "/keys", "/symbols", "/exchanges", "/strategies"])
async def test_without_a_token_every_route_says_so(path):
    answer = await AsyncClient().get(ROOT + path)
    assert (answer.status_code, answer["content-type"]) == (401, "application/problem+json")


async def test_an_exchange_key_is_stored_sealed_and_never_shown(client):
    body = {"exchange": "Binance", "name": "main", "api_key": "AKIA0123456789WXYZ", "secret": "hush-hush-hush"}
    answer = await post(client, "/keys", body)
    assert answer.status_code == 201, answer.content
    listed = await get(client, "/keys")
    for text in (answer.content.decode(), listed.content.decode()):
        assert "hush" not in text
        assert "AKIA0123456789WXYZ" not in text
    row = await UserAPIKey.objects.aget()
    assert b"hush" not in bytes(row.encrypted_credentials)
    assert answer.json()["api_key_public_part"] == "AKIA…WXYZ"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"strategy": "grid"}, "strategy"),
        ({"parameters": {"fast": 30}}, "parameters"),
        ({"parameters": {"colour": "red"}}, "parameters.colour"),
        ({"timeframe": "2h"}, "body.timeframe"),
        ({"risk_percentage": "0"}, "body.risk_percentage"),
        ({"max_daily_trades": 0}, "body.max_daily_trades"),
        ({"stop_los_percentage": "5"}, "body.stop_los_percentage"),
        ({"pauses": {"huge": {}}}, "body.pauses"),
        ({"pair": "NOPE"}, "pair"),
        ({"strategy": "ml_signal", "parameters": {"machine_id": "none"}}, "parameters.machine_id"),
    ],
)
async def test_a_wrong_bot_names_the_field(client, change, field):
    await symbol_with_prices(client)
    body = {"name": "b", "strategy": "momentum", "pair": "ACME"} | change
    answer = await post(client, "/bots", body)
    assert answer.status_code in (404, 422), answer.content
    assert any(
        error["field"].endswith(field.split(".")[-1]) or field in error["field"] for error in answer.json()["errors"]
    ), answer.json()


@pytest.mark.parametrize(
    ("content", "said_so"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02\xff", "neither UTF-8"),
        (b"time,open,high,low,close\n2020-01-01,1,1,1\n", "line 2"),
        (b"time,open,high,low,close\n2020-01-01,1,1,1,x\n", "line 2, close"),
    ],
)
async def test_a_broken_price_file_stores_nothing_and_names_the_line(client, content, said_so):
    made = (await post(client, "/symbols", SYMBOL)).json()
    upload = SimpleUploadedFile("p.csv", content) if content else BytesIO(b"")
    upload.name = "p.csv"
    answer = await client.post(f"{ROOT}/symbols/{made['id']}/prices/file", {"file": upload, "timeframe": "1d"})
    assert answer.status_code == 422
    if content:
        assert said_so in answer.json()["detail"]
    assert (await get(client, f"/symbols/{made['id']}")).json()["prices"] == []


async def test_live_trading_is_refused_in_a_sentence(client):
    await symbol_with_prices(client)
    bot = (await post(client, "/bots", {"name": "b", "strategy": "dca", "pair": "ACME"})).json()
    answer = await post(client, f"/bots/{bot['id']}/runs", {"mode": "live"})
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (409, "live-is-off")


async def test_a_running_bot_is_neither_changed_nor_deleted(client):
    await symbol_with_prices(client)
    bot = (await post(client, "/bots", {"name": "b", "strategy": "dca", "pair": "ACME"})).json()
    await post(client, f"/bots/{bot['id']}/runs", {"mode": "backtest"})
    change = await client.patch(f"{ROOT}/bots/{bot['id']}", json.dumps({"name": "c"}), content_type="application/json")
    assert (change.status_code, (await client.delete(f"{ROOT}/bots/{bot['id']}")).status_code) == (409, 409)


async def test_a_change_leaves_what_was_not_given(client):
    await symbol_with_prices(client)
    body = {"name": "b", "strategy": "dca", "pair": "ACME", "stop_loss_percentage": "5"}
    bot = (await post(client, "/bots", body)).json()
    answer = await client.patch(f"{ROOT}/bots/{bot['id']}", json.dumps({"name": "c"}), content_type="application/json")
    assert (answer.json()["name"], answer.json()["stop_loss_percentage"]) == ("c", "5")
