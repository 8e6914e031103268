"""The main job, step by step; everything through the public API of a running stack."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any
from uuid import uuid4

from titan.configuration import SERVICES, Configuration
from titan.demo import checks, consulting, data, learning, people, robots
from titan.demo.people import People
from titan.demo.report import Report, charges_of, show
from titan.demo.screen import Screen

TABLE_LEVEL, SIGNAL_LEVEL = 3, 1
SIGNAL_NAME = "IBM up or down"


def run(stack: Configuration, screen: Screen) -> Report:
    """Do the main job and return what came of it. Raises DemoFailed naming the step that did not work."""
    report = Report()
    screen.step("People, a team, money")
    who = _people(stack, screen)
    screen.step("A table becomes a machine")
    table = data.insurance_table()
    visits = learning.machine(
        who.ada, screen, name=data.TABLE_NAME, table=table, output=data.TABLE_TARGET, level=TABLE_LEVEL
    )
    report.machines.append(visits)
    _solving(who, screen, report, visits, table)
    screen.step("Prices, a calendar, a signal")
    market = _market(who, screen)
    signal = learning.machine(
        who.ada, screen, name=SIGNAL_NAME, table=robots.signal_table(who.ada, market), output="direction",
        ignore=("time", "next_return"), level=SIGNAL_LEVEL,
    )  # fmt: skip
    report.machines.append(signal)
    screen.step("A bot trades on the signal")
    _trading(who, screen, report, robots.bot(who.ada, market, signal["id"]))
    screen.step("Help is asked for and paid")
    _consulting(who, screen, report, visits)
    screen.step("Does everything add up?")
    _verify(who, report)
    report.seconds = screen.seconds
    show(screen, report, {name: stack.url(name) for name in SERVICES})
    return report


def _people(stack: Configuration, screen: Screen) -> People:
    who = people.everybody(stack)
    screen.say(f"Ada and Bo are signed in, in the team {people.team_of(who.ada, who.bo)}")
    people.top_up(who.ada, people.TOP_UP_USD)
    people.top_up(who.bo, people.BUYER_TOP_UP_USD)
    fresh = people.coupon_for(who.ada, who.operator)
    screen.say(
        f"topped up {people.TOP_UP_USD} USD and {people.BUYER_TOP_UP_USD} USD of test money; coupon "
        f"{people.COUPON} {'activated' if fresh else 'was activated in an earlier run'}"
    )
    return who


def _solving(who: People, screen: Screen, report: Report, machine: dict[str, Any], table: bytes) -> None:
    rows = learning.sample(table, learning.BOUGHT_ROWS, without=data.TABLE_TARGET)
    own = learning.solve(who.ada, machine["id"], rows[:5])
    screen.say(f"solved 5 rows; the first: {_in_words(own['results'][0])}")
    key = f"demo-{uuid4()}"
    first = learning.solve(who.ada, machine["id"], rows[:3], key=key)
    again = learning.solve(who.ada, machine["id"], rows[:3], key=key)
    report.check("a repeated request is answered and charged once", first == again, f"usage {first['usage_id']}")
    learning.publish(who.ada, machine["id"])
    bought = learning.solve(who.bo, machine["id"], rows)
    screen.say(f"published at {learning.MARKET_PRICE_USD} USD a line; Bo paid for {bought['lines']} lines")
    learning.sell_lines(who.ada, machine["id"])
    purchase, downloaded = learning.buy_lines(who.bo, machine["id"])
    screen.say(f"Bo bought the machine's {downloaded} lines for {purchase['price_usd']} USD and downloaded them")
    report.check("Bo got every line that was paid for", downloaded == purchase["lines"], f"{downloaded} lines")
    report.check("the machine beats a constant and a linear model", _beats(machine), _scores(machine))
    report.check("Bo solved on the market", bought["channel"] == "market", f"{bought['lines']} lines")


def _market(who: People, screen: Screen) -> robots.Market:
    market = robots.load_prices(who.ada)
    counted = ", ".join(f"{ticker} {count}" for ticker, count in market.candles.items())
    screen.say(f"daily candles: {counted}")
    done = robots.import_calendar(who.operator)
    screen.say(f"calendar of Federal Funds changes: {', '.join(f'{n} {v}' for n, v in done.items() if v)}")
    return market


def _trading(who: People, screen: Screen, report: Report, bot_id: str) -> None:
    tested = robots.backtest(who.ada, screen, bot_id)
    screen.say(f"backtest: {tested['trades_executed']} trades, {tested['profit_loss']} USD")
    played, lines = robots.paper(who.ada, screen, bot_id)
    denied = {}
    for run in (tested, played):
        denied[run["id"]] = len(robots.orders_denied_by_the_calendar(who.ada, run["id"]))
        report.runs.append(
            {
                "id": run["id"],
                "mode": run["mode"],
                "candles": run["candles_done"],
                "trades": run["trades_executed"],
                "profit_loss": run["profit_loss"],
                "denied_by_calendar": denied[run["id"]],
                "url": f"{who.ada.stack.url('trading')}/runs/{run['id']}",
            }
        )
    report.checks.append(checks.stream_is_whole(lines))
    paused = [line for line in lines if line["event"] == "calendar.paused"]
    report.check(
        "the bot paused around important events", bool(paused),
        f"{len(paused)} pauses on paper; {sum(denied.values())} orders held back in both runs",
    )  # fmt: skip


def _consulting(who: People, screen: Screen, report: Report, machine: dict[str, Any]) -> None:
    ended = consulting.contract(who.ada, who.bo, machine["id"])
    parts = f"{ended['paid_usd']} USD to Bo, {ended['fee_usd']} USD fee"
    screen.say(f"a contract over {ended['amount_usd']} USD went through escrow: {parts}")
    report.check("the consulting contract was paid out of escrow", ended["contract_finished"], parts)


def _verify(who: People, report: Report) -> None:
    counts = checks.events_of(who.operator)
    report.events = checks.totals(counts)
    report.charges = charges_of(who.ada, who.bo)
    report.ledger = _own_command("ledger", "verify")
    audit = _own_command("audit", "verify")
    report.check("the ledger is in balance and every usage has one journal", bool(report.ledger["ok"]), _why(report))
    report.check("the audit trail is unbroken", bool(audit["ok"]), f"{audit['entries']} entries")
    report.check("nothing is parked", report.events["parked"] == 0, f"{report.events['parked']} parked")
    missing = [charge for charge in report.charges if not charge["why"]]
    report.check("every charge names its cause", not missing, f"{len(report.charges)} operations")
    report.checks.append(checks.balances_agree(who))


def _why(report: Report) -> str:
    return str(report.ledger.get("first_difference") or f"{len(report.ledger['checks'])} checks of the ledger hold")


def _own_command(*words: str) -> dict[str, Any]:
    """A `titan … --json` command's answer, as a script would get it."""
    ran = subprocess.run(
        [sys.executable, "-m", "titan.cli", *words, "--json"], capture_output=True, text=True, check=False
    )
    try:
        answer: dict[str, Any] = json.loads(ran.stdout)
    except ValueError:
        return {"ok": False, "first_difference": ran.stderr.strip()[-300:], "entries": 0, "checks": []}
    return answer


def _beats(machine: dict[str, Any]) -> bool:
    return all(score["beats_constant"] and score["beats_linear"] for score in machine["scores"])


def _scores(machine: dict[str, Any]) -> str:
    return "; ".join(
        f"{s['output']} {s['name']} {s['value']:.4f} (constant {s['constant']:.4f}, linear {s['linear']:.4f})"
        for s in machine["scores"]
    )


def _in_words(result: dict[str, Any]) -> str:
    """A row's answers: a label with its probability, a number with where nine of ten true ones lie."""
    said = []
    for output, value in result["values"].items():
        if output in result["probabilities"]:
            said.append(f"{output} {value} ({result['probabilities'][output][value]:.0%})")
        elif output in result["low"]:
            low, high = result["low"][output], result["high"][output]
            said.append(f"{output} {value:.2f}, nine times in ten between {low:.2f} and {high:.2f}")
        else:
            said.append(f"{output} {value:.2f}")
    return "; ".join(said)
