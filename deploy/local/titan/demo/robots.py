"""Steps 4 and 5: prices loaded, a bot backtested and put on paper with the machine's signal, its log streamed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import connect
from websockets.typing import Origin

from titan.demo import data
from titan.demo.client import DemoFailed, Person, wait_for
from titan.demo.screen import Screen

BOT_NAME = "IBM on the machine's signal"
# The machine learns from what lies before this day; the bot trades only what lies after it.
TRAINED_UNTIL = "2005-01-01"
RUN_FROM, RUN_UNTIL = "2005-01-01T00:00:00Z", "2007-01-01T00:00:00Z"
PAPER_FROM, PAPER_UNTIL = "2005-01-01T00:00:00Z", "2005-07-01T00:00:00Z"
CANDLES_A_SECOND = 25
DAY = 24 * 60
RUN_SECONDS = 120.0
ENDED = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Market:
    """What was loaded: the symbol the bot trades, and how many candles each ticker has."""

    symbol_id: str
    candles: dict[str, int]


def load_prices(ada: Person) -> Market:
    """Every ticker's daily candles; loading them again changes nothing."""
    prices = data.prices_file()
    loaded, symbols = {}, {}
    for ticker, name in data.TICKERS.items():
        symbols[ticker] = _symbol(ada, ticker, name)
        done = ada.post(
            "trading", f"symbols/{symbols[ticker]}/prices/file",
            data={"ticker": ticker, "timeframe": "1d", "source": "bokeh-sampledata"},
            files={"file": ("stocks.csv", prices, "text/csv")},
        )  # fmt: skip
        loaded[ticker] = done["candles"]
    return Market(symbols[data.SIGNAL_TICKER], loaded)


def signal_table(ada: Person, market: Market) -> bytes:
    """Price features and what followed, up to TRAINED_UNTIL: the table the signal's machine learns from."""
    path = f"symbols/{market.symbol_id}/features.csv"
    return ada.download("trading", path, timeframe="1d", end=TRAINED_UNTIL)


def bot(ada: Person, market: Market, machine_id: str) -> str:
    """The bot's id; made at the first run. It pauses from a day before to a day after an important dollar event."""
    for found in ada.items("trading", "bots"):
        if found["name"] == BOT_NAME:
            return str(found["id"])
    # Trading hears of what ml trained by an event, which may take longer than the steps from there to here.
    wait_for("the machine is known to trading", lambda: _offered(ada, machine_id))
    made = ada.post(
        "trading",
        "bots",
        {
            "name": BOT_NAME,
            "strategy": "ml_signal",
            "symbol_id": market.symbol_id,
            "exchange_key_id": _titan_key(ada),
            "timeframe": "1d",
            "mode": "paper",
            "parameters": {"machine_id": machine_id, "output": "p_up", "enter_above": 0.52, "exit_below": 0.5},
            "fee_rate": "0.0002",
            "starting_cash": "10000",
            "max_drawdown_percentage": "40",
            "stop_loss_percentage": "5",
            "risk_percentage": "2",
            "pauses": {"high": {"before": DAY, "after": DAY}},
            "pause_currencies": ["USD"],
        },
        key=f"demo-bot-{uuid4()}",
    )
    return str(made["id"])


def backtest(ada: Person, screen: Screen, bot_id: str) -> dict[str, Any]:
    """The bot over two years at once."""
    started = ada.post(
        "trading", f"bots/{bot_id}/runs", {"mode": "backtest", "start": RUN_FROM, "end": RUN_UNTIL},
        key=f"demo-run-{uuid4()}",
    )  # fmt: skip
    with screen.progress("backtest") as shown:

        def look() -> dict[str, Any] | None:
            run: dict[str, Any] = ada.get("trading", f"runs/{started['id']}")
            shown.update(float(run["progress"] or 0), f"{run['candles_done']} candles")
            return run if run["status"] in ENDED else None

        return _ended(wait_for("the backtest", look, seconds=RUN_SECONDS, every=0.2))


def paper(ada: Person, screen: Screen, bot_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same bot on paper over stored candles played again, and the log lines that its dashboard streamed."""
    body = {
        "mode": "paper", "feed": "stored", "start": PAPER_FROM, "end": PAPER_UNTIL,
        "candles_per_second": CANDLES_A_SECOND,
    }  # fmt: skip
    started = ada.post("trading", f"bots/{bot_id}/runs", body, key=f"demo-run-{uuid4()}")
    lines = asyncio.run(_stream(ada, screen, started["id"]))
    return _ended(ada.get("trading", f"runs/{started['id']}")), lines


def orders_denied_by_the_calendar(ada: Person, run_id: str) -> list[dict[str, Any]]:
    """Orders that a calendar pause kept from being placed."""
    orders = ada.items("trading", f"runs/{run_id}/orders", limit=500)
    return [order for order in orders if order["reason"] == "CALENDAR_PAUSE"]


async def _stream(ada: Person, screen: Screen, run_id: str) -> list[dict[str, Any]]:
    """Every log line of the run as the browser gets them; the connection is dropped once and taken up again."""
    lines: list[dict[str, Any]] = []
    dropped = False
    async with asyncio.timeout(RUN_SECONDS):
        while True:
            dropped, ended = await _listen(ada, screen, run_id, lines, dropped)
            if ended:
                return lines


async def _listen(
    ada: Person, screen: Screen, run_id: str, lines: list[dict[str, Any]], dropped: bool
) -> tuple[bool, bool]:
    url = ada.stack.url("trading").replace("http", "ws", 1) + f"/ws/v1/runs/{run_id}"
    headers = {"Authorization": f"Bearer {ada.token}"}
    async with connect(url, additional_headers=headers, origin=Origin(ada.stack.url("trading")), proxy=None) as socket:
        await socket.send(json.dumps({"after": lines[-1]["offset"] if lines else -1}))
        async for message in socket:
            frame = json.loads(message)
            for line in frame.get("lines", []):
                lines.append(line)
                _show(screen, line)
            if not dropped and len(lines) >= 10:
                screen.say("… the connection is cut here on purpose and taken up at the last offset …")
                return True, False
            if frame.get("run", {}).get("status") in ENDED and frame.get("type") == "run":
                return dropped, await _nothing_left(ada, run_id, lines)
    return dropped, False


async def _nothing_left(ada: Person, run_id: str, lines: list[dict[str, Any]]) -> bool:
    run = await asyncio.to_thread(ada.get, "trading", f"runs/{run_id}")
    return bool(lines) and run["status"] in ENDED and lines[-1]["offset"] + 1 >= run["log_offset"]


def _show(screen: Screen, line: dict[str, Any]) -> None:
    if line["event"].startswith(("fill", "order.filled", "calendar", "run", "position", "trade")):
        screen.say(f"{line['offset']:>4} {line['message']}")


def _symbol(ada: Person, ticker: str, name: str) -> str:
    for symbol in ada.items("trading", "symbols"):
        if symbol["ticker"] == ticker:
            return str(symbol["id"])
    exchange = next(e for e in ada.get("trading", "exchanges")["items"] if e["kind"] == "stock")
    body = {"exchange": exchange["name"], "ticker": ticker, "name": name, "asset_type": "EQUITY"}
    return str(ada.post("trading", "symbols", body)["id"])


def _offered(ada: Person, machine_id: str) -> bool | None:
    return any(machine["id"] == machine_id for machine in ada.items("trading", "machines")) or None


def _titan_key(ada: Person) -> str:
    """An API key that may only solve, sealed among Ada's exchange keys for her bots to use."""
    key = ada.post("identity", "api-keys", {"name": "for my bots", "scopes": ["ml:solve"]})["key"]
    exchange = next(e for e in ada.get("trading", "exchanges")["items"] if e["kind"] == "titan")
    body = {"exchange": exchange["name"], "name": f"machines {uuid4().hex[:6]}", "api_key": key}
    return str(ada.post("trading", "keys", body)["id"])


def _ended(run: dict[str, Any]) -> dict[str, Any]:
    if run["status"] != "completed":
        raise DemoFailed(f"the {run['mode']} run {run['status']}: {run['error_message']}")
    return run


def import_calendar(operator: Person) -> dict[str, Any]:
    """The Federal Funds changes as a calendar; importing them again changes nothing."""
    files = {"file": ("fomc_rate_changes.csv", data.calendar_file(), "text/csv")}
    body = {"source": "federal-funds", "kind": "csv"}
    done: dict[str, Any] = operator.post("scheduler", "sources/import", data=body, files=files)
    return done
