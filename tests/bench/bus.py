"""How fast events travel: relay and consumer beside bare aiokafka, what an event costs, how late it arrives.

`python tests/bench/bus.py [--json FILE] [--quick | --million] [--broker embedded|apache]` starts a durable PostgreSQL
as `titan up` does, and each broker that can run here. Every figure is the median of rounds in which the measured thing
and its anchor take turns; relay and consumer run in a process of their own, as in a worker. Two cores carry that
process, PostgreSQL and the broker together, so events a second is what the machine does as a whole.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bus_place import BROKERS, Figures, NotMeasured, Place, servers, tell

WARM_UP = 4_000  # as bus_app.steps does
RELAY_GOAL, CONSUMER_GOAL, LATE_GOAL = 16_000, 8_000, 100
# A backlog is flat when an event costs at most this much more than with the next smaller one.
FLAT = 1.25
RATE, SETTLE_SECONDS = 200, 3.0
Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int = 5
    events: int = 40_000
    seconds: float = 15.0
    backlogs: tuple[int, ...] = (1_000, 100_000)


FULL, QUICK, MILLION = Plan(), Plan(2, 10_000, 5.0, (1_000, 20_000)), Plan(backlogs=(1_000, 100_000, 1_000_000))


def measure(ids: Sequence[str] = (), plan: Plan = FULL, brokers: Sequence[str] = tuple(BROKERS)) -> list[Row]:
    """The table's rows, `B-BUS-…`; of those named in `ids`, or whose ids begin so, and all where none is named."""
    wanted = tuple(ids) or ("B-BUS",)
    rows: list[Row] = []
    with servers(brokers) as places:
        if _is_any(wanted, "B-BUS-RELAY", "B-BUS-CONSUMER", but="BACKLOG"):
            rows += _attempt(lambda: _speed_rows(places, plan))
        if _is_any(wanted, "B-BUS-LATE"):
            rows += _attempt(lambda: [row for place in places for row in _late_rows(place, plan)])
        if _is_any(wanted, "B-BUS-RELAY-BACKLOG", "B-BUS-CONSUMER-BACKLOG"):
            rows += _attempt(lambda: _backlog_rows(places[-1], plan))
    return [row for row in rows if row["id"].startswith(wanted)]


def _attempt(part: Callable[[], list[Row]]) -> list[Row]:
    """What could be measured: on a machine too busy for one part the others still count."""
    try:
        return part()
    except NotMeasured as error:
        tell(str(error))
        return []


def _is_any(wanted: Sequence[str], *beginnings: str, but: str = "never") -> bool:
    return any(b.startswith(id_) or (id_.startswith(b) and but not in id_) for id_ in wanted for b in beginnings)


def _speed_rows(places: Sequence[Place], plan: Plan) -> list[Row]:
    rounds: dict[str, list[dict[str, Figures]]] = {place.broker: [] for place in places}
    for _ in range(plan.rounds):
        for place in places:
            rounds[place.broker].append(_round(place, plan.events))
    return [row for broker, found in rounds.items() for row in _throughput_rows(broker, found)]


def _round(place: Place, events: int) -> dict[str, Figures]:
    """Each step once; what reads comes after what wrote."""
    topic = place.topic()
    return {
        "raw-send": place.step("raw-send", events, place.topic()),
        "relay": place.step("relay", events, topic),
        "raw-read": place.step("raw-read", WARM_UP + events, topic),
        "consume": place.step("consume", WARM_UP + events, topic),
    }


def _throughput_rows(broker: str, rounds: list[dict[str, Figures]]) -> list[Row]:
    def middle(step: str, figure: Callable[[Figures], float]) -> float:
        return statistics.median(figure(one[step]) for one in rounds)

    def speed(figures: Figures) -> float:
        return figures["per_second"]

    def cost(figures: Figures) -> float:
        return figures["own_us"] + figures["postgres_us"]

    rows = []
    for step, what, beside, raw, goal in (
        ("relay", "relay drains the outbox", "aiokafka's idempotent send of the same bytes", "raw-send", RELAY_GOAL),
        ("consume", "consumer with inbox, projecting people", "aiokafka's getmany, nothing done", "raw-read",
         CONSUMER_GOAL),
    ):  # fmt: skip
        name = {"relay": "RELAY", "consume": "CONSUMER"}[step]
        rows.append(
            row(f"{name}-{broker}", what, middle(step, speed), "events/s", (beside, middle(raw, speed)), least=goal)
        )
        rows.append(
            # A loop is one thread: the goal's speed is within reach while an event costs less than its share of a core.
            row(f"{name}-CPU-{broker}", f"{what}: CPU with PostgreSQL's", middle(step, cost), "µs/event",
                (beside, middle(raw, cost)), most=1e6 / goal)
        )  # fmt: skip
    return rows


def _late_rows(place: Place, plan: Plan) -> list[Row]:
    runs = [_lateness(place, plan.seconds) for _ in range(min(3, plan.rounds))]
    found = []
    for share, most in ((50, None), (95, LATE_GOAL), (99, None)):
        value = statistics.median(_quantile(run, share) for run in runs)
        what = f"from COMMIT to consumed at {RATE} events/s, p{share}"
        found.append(row(f"LATE-P{share}-{place.broker}", what, value, "ms", most=most))
    return found


def _lateness(place: Place, seconds: float) -> list[float]:
    """Milliseconds from each commit to the commit of its effects."""
    topic = place.topic()
    servers = [place.start("bus_app.latency", part, "--topic", topic) for part in ("relay", "consumer")]
    try:
        _write(place, topic, 2.0)  # members joined, connections open, statements known
        committed = _write(place, topic, seconds)
        time.sleep(SETTLE_SECONDS)
    finally:
        for server in servers:
            server.send_signal(signal.SIGTERM)
        said = [place.result(server, seconds=60) for server in servers]
    consumed = json.loads(said[1])
    missing = committed.keys() - consumed.keys()
    if missing:
        raise NotMeasured(
            f"{len(missing)} of {len(committed)} events had not arrived {SETTLE_SECONDS:.0f} s after the last"
        )
    return [(consumed[id_] - moment) * 1000 for id_, moment in committed.items()]


def _write(place: Place, topic: str, seconds: float) -> dict[str, float]:
    writer = place.start("bus_app.latency", "writer", "--topic", topic, "--rate", str(RATE), "--seconds", str(seconds))
    found: dict[str, float] = json.loads(place.result(writer))
    return found


def _quantile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def _backlog_rows(place: Place, plan: Plan) -> list[Row]:
    """Cost of an event by how many wait; a small backlog is drained several times, a large one once."""
    found: list[Row] = []
    before: dict[str, tuple[str, float]] = {}
    for backlog in plan.backlogs:
        for step, cost in _backlog_costs(place, backlog, plan.rounds if backlog < 100_000 else 1).items():
            name = {"relay": "RELAY", "consume": "CONSUMER"}[step]
            what = f"{name.lower()}: CPU with PostgreSQL's, {_short(backlog)} waiting ({place.broker})"
            anchor = before.get(step)
            most = FLAT * anchor[1] if anchor else None
            found.append(row(f"{name}-BACKLOG-{_short(backlog)}", what, cost, "µs/event", anchor, most=most))
            before[step] = (f"the same with {_short(backlog)} waiting", cost)
    return sorted(found, key=lambda one: "RELAY" not in str(one["id"]))


def _backlog_costs(place: Place, backlog: int, rounds: int) -> dict[str, float]:
    runs: dict[str, list[float]] = {"relay": [], "consume": []}
    for _ in range(rounds):
        topic = place.topic()
        for step, events in (("relay", backlog), ("consume", WARM_UP + backlog)):
            figures = place.step(step, events, topic)
            runs[step].append(figures["own_us"] + figures["postgres_us"])
    return {step: statistics.median(costs) for step, costs in runs.items()}


def _short(number: int) -> str:
    return f"{number // 1_000_000}M" if number >= 1_000_000 else f"{number // 1000}k"


def row(
    name: str, what: str, value: float, unit: str, anchor: tuple[str, float] | None = None, *,
    least: float | None = None, most: float | None = None,
) -> Row:  # fmt: skip
    """A line of the table; a goal is a least or a most."""
    return {
        "id": f"B-BUS-{name.upper()}",
        "what": what,
        "value": _rounded(value),
        "unit": unit,
        "anchor": anchor[0] if anchor else None,
        "anchor_value": _rounded(anchor[1]) if anchor else None,
        "ratio": round(value / anchor[1], 2) if anchor else None,
        "goal": f">= {least:g}" if least is not None else f"<= {most:.4g}" if most is not None else None,
        "met": value >= least if least is not None else value <= most if most is not None else None,
    }


def _rounded(value: float) -> float:
    return round(value) if value >= 1000 else round(value, 1)


def show(rows: Sequence[Row]) -> None:
    """The rows as a table; a wide terminal helps."""
    for one in rows:
        met = {True: "met", False: "NOT MET", None: ""}[one["met"]]
        beside = f"  {one['ratio']} × {one['anchor_value']:,} of {one['anchor']}" if one["anchor"] else ""
        print(
            f"{one['id']:<28} {one['value']:>9,} {one['unit']:<9} {one['goal'] or '':<9} {met:<8} {one['what']}{beside}"
        )


def main() -> None:
    """Print the table; with --json also write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where the rows go as JSON")
    parser.add_argument("--broker", action="append", choices=list(BROKERS), help="only this one")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--quick", action="store_const", dest="plan", const=QUICK, help="a minute, rough figures")
    amount.add_argument("--million", action="store_const", dest="plan", const=MILLION, help="also a million waiting")
    asked = parser.parse_args()
    rows = measure((), asked.plan or FULL, asked.broker or tuple(BROKERS))
    show(rows)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
