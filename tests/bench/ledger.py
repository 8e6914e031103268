"""How fast usage becomes money: events into the ledger beside pgbench's TPC-B, how late, and what reading costs.

`python tests/bench/ledger.py [--json FILE] [--quick | --million] [--broker KIND]` starts a durable PostgreSQL as `titan
up` does and a broker: Apache Kafka where it can run, as where there is volume, or else the embedded one. Consumers are
billing's own loop with every guard on: inbox, fence, keys, floors, seals by transaction, rules of the database, and the
events that follow. Each takes turns with pgbench on the same server.
`--million` makes a past of ten million postings.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bus import row as bus_row
from bus import show
from bus_place import Figures, NotMeasured, tell
from ledger_place import LedgerPlace, ledger_place

Row = dict[str, Any]
SPEED_GOAL, LATE_GOAL, BALANCE_GOAL, PAGE_GOAL, FLAT = 5.0, 150, 5, 50, 1.2
RATE, WARM_UP = 500, 4_000
# The embedded broker saves its whole log now and then: with some 100,000 records half a core that measures nothing.
PREFERRED = ("apache", "embedded")
TPC_B = "pgbench's TPC-B, prepared, 16 clients"
PARTS = ("B-LEDGER-USAGE", "B-LEDGER-FLOOR", "B-LEDGER-LATE", "B-LEDGER-COST", "B-LEDGER-BALANCE", "B-LEDGER-STATEMENT")


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int = 3
    # As long as the ten seconds of TPC-B, about: of shorter rounds the end counts, when one of two members is done.
    events: int = 60_000
    seconds: float = 20.0
    tpc_b_seconds: int = 10
    people: int = 5_000
    # Journals of the past: of two postings each, and those of one person alone.
    journals: tuple[int, ...] = (5_000, 500_000)
    whale: int = 200_000


FULL = Plan()
QUICK = Plan(rounds=1, events=6_000, seconds=6.0, tpc_b_seconds=4, people=1_000, journals=(5_000, 20_000), whale=20_000)
MILLION = Plan(journals=(5_000, 500_000, 4_000_000), whale=1_000_000)


def measure(ids: Sequence[str] = (), plan: Plan = FULL, brokers: Sequence[str] = PREFERRED) -> list[Row]:
    """The table's rows, `B-LEDGER-…`; of those named in `ids`, or whose ids begin so, and all where none is named."""
    wanted = tuple(ids) or ("B-LEDGER",)
    found: list[Row] = []
    with ledger_place(brokers) as place:
        place.past(plan.people, journals=plan.journals[0])
        if _is_any(wanted, *PARTS[:1]):
            found += _attempt(_speed_rows, place, plan)
        if _is_any(wanted, *PARTS[1:2]):
            found += _attempt(_floor_rows, place, plan)
        if _is_any(wanted, *PARTS[2:3]):
            found += _attempt(_late_rows, place, plan)
        if _is_any(wanted, *PARTS[3:]):
            found += _attempt(_size_rows, place, plan)
    return [one for one in found if one["id"].startswith(wanted)]


def _is_any(wanted: Sequence[str], *parts: str) -> bool:
    return any(part.startswith(id_) or id_.startswith(part) for id_ in wanted for part in parts)


def _attempt(part: Any, place: LedgerPlace, plan: Plan) -> list[Row]:
    try:
        found: list[Row] = part(place, plan)
    except NotMeasured as error:
        tell(str(error))
        return []
    return found


def _speed_rows(place: LedgerPlace, plan: Plan) -> list[Row]:
    """TPC-B, ours, TPC-B, ours in another shape, and so on: every figure is beside one of the same minute.

    Sellers are locked as buyers are: a tenth on the market makes consumers wait for each other, and none does not.
    """
    rounds: dict[tuple[int, int], list[tuple[Figures, Figures]]] = {(2, 0): [], (2, 10): [], (1, 10): []}
    for _ in range(plan.rounds):
        for (members, sold), found in rounds.items():
            anchor = place.tpc_b(plan.tpc_b_seconds)
            ours = place.consume(plan.events, people=plan.people, warm_up=WARM_UP, members=members, sold=sold)
            found.append((ours, anchor))
    what = "usage events into the ledger"
    return [
        _ratio_row("USAGE", f"{what}, two consumers", rounds[2, 0]),
        _ratio_row("USAGE-MARKET", f"{what}, two consumers, a tenth on the market", rounds[2, 10], goal=False),
        _ratio_row("USAGE-ONE", f"{what}, one consumer, a tenth on the market", rounds[1, 10], goal=False),
        row(
            "USAGE-CPU", "usage event into the ledger: CPU with PostgreSQL's",
            _middle(_cost(ours) for found in rounds.values() for ours, _ in found), "µs/event",
            (f"{TPC_B}: CPU", _middle(_cost(anchor) for found in rounds.values() for _, anchor in found)),
        ),
    ]  # fmt: skip


def _floor_rows(place: LedgerPlace, plan: Plan) -> list[Row]:
    """What this server can do at all: the least that must be written for a usage, by nobody who thinks or refuses."""
    rounds = [(place.tpc_b(plan.tpc_b_seconds), place.floor(4 * plan.events, sessions=2)) for _ in range(plan.rounds)]
    pairs = [(bare, anchor) for anchor, bare in rounds]
    what = "the bare rows of a usage (inbox key, journal, two postings, two balances), 500 a transaction"
    return [
        _ratio_row("FLOOR", f"{what}, two sessions, no guard, no Python", pairs, goal=False),
        row("FLOOR-CPU", f"{what}: CPU", _middle(_cost(bare) for bare, _ in pairs), "µs/event",
            (f"{TPC_B}: CPU", _middle(_cost(anchor) for _, anchor in pairs))),
    ]  # fmt: skip


def _ratio_row(name: str, what: str, rounds: Sequence[tuple[Figures, Figures]], *, goal: bool = True) -> Row:
    speed = _middle(ours["per_second"] for ours, _ in rounds)
    anchor = _middle(theirs["per_second"] for _, theirs in rounds)
    ratio = _middle(ours["per_second"] / theirs["per_second"] for ours, theirs in rounds)
    told = row(name, what, speed, "events/s", (TPC_B, anchor)) | {"ratio": round(ratio, 2)}
    return told | ({"goal": f">= {SPEED_GOAL:g} ×", "met": ratio >= SPEED_GOAL} if goal else {})


def _late_rows(place: LedgerPlace, plan: Plan) -> list[Row]:
    runs = [place.lateness(people=plan.people, rate=RATE, seconds=plan.seconds) for _ in range(plan.rounds)]
    what = f"from usage sent to postings committed at {RATE} events/s, relay beside it"
    return [
        row(f"LATE-P{share}", f"{what}, p{share}", _middle(_quantile(run, share) for run in runs), "ms", most=most)
        for share, most in ((50, None), (95, LATE_GOAL), (99, None))
    ]


def _size_rows(place: LedgerPlace, plan: Plan) -> list[Row]:
    """What an event costs, and a reading, as the ledger grows."""
    found: list[Row] = []
    first: tuple[str, float] | None = None
    for step, journals in enumerate(plan.journals):
        whale = plan.whale if step == len(plan.journals) - 1 else 0
        if step:
            place.past(plan.people, journals=journals, whale=whale)
        postings = place.postings()
        costs = [_cost(place.consume(plan.events, people=plan.people, warm_up=WARM_UP, members=1))
                 for _ in range(plan.rounds)]  # fmt: skip
        what = f"usage event into a ledger of {_short(postings)} postings: CPU with PostgreSQL's"
        most = first[1] * FLAT if first else None
        size = _short(2 * sum(plan.journals[: step + 1]) + whale)
        found.append(row(f"COST-{size}", what, _middle(costs), "µs/event", first, most=most))
        first = first or (f"the same at {_short(postings)}", _middle(costs))
    return [*found, *_read_rows(place, plan)]


def _read_rows(place: LedgerPlace, plan: Plan) -> list[Row]:
    postings, words = _short(place.postings()), ["--people", str(plan.people), "--rounds"]
    times, spent = zip(*json.loads(place.run("ledger_app.reads", "balances", *words, "3000"))["all"], strict=True)
    read = json.loads(place.run("ledger_app.reads", "statements", *words, "800"))
    pages = {depth: [took for took, _ in some] for depth, some in read.items()}
    deepest = max(pages, key=lambda depth: _quantile(pages[depth], 95))
    spent_on_pages = [cpu for some in read.values() for _, cpu in some]
    what = f"page of 50 of a statement of {_short(plan.whale)} entries"
    return [
        row("BALANCE-P50", f"a person's balances among {postings} postings, p50", _quantile(times, 50), "ms"),
        row("BALANCE-P99", f"a person's balances among {postings} postings, p99", _quantile(times, 99), "ms",
            most=BALANCE_GOAL),
        row("BALANCE-CPU-P99", "of that CPU time, PostgreSQL's with it, p99", _quantile(spent, 99), "ms"),
        row("STATEMENT-P50", f"{what}, p50 of all depths", _middle(ms for some in pages.values() for ms in some), "ms"),
        row("STATEMENT-P95", f"{what}, p95 of the slowest depth ({deepest})", _quantile(pages[deepest], 95), "ms",
            most=PAGE_GOAL),
        row("STATEMENT-CPU-P95", "of that CPU time, PostgreSQL's with it, p95 of all depths",
            _quantile(spent_on_pages, 95), "ms"),
    ]  # fmt: skip


def row(name: str, *facts: Any, **goals: Any) -> Row:
    """A line of the table."""
    return bus_row(name, *facts, **goals) | {"id": f"B-LEDGER-{name}"}


def _cost(figures: Figures) -> float:
    return figures["own_us"] + figures["postgres_us"]


def _middle(values: Any) -> float:
    return statistics.median(values)


def _quantile(values: Sequence[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def _short(number: int) -> str:
    return f"{number / 1e6:.3g}M" if number >= 1_000_000 else f"{number / 1e3:.3g}k"


def main() -> None:
    """Print the table; with --json also write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", help="only these")
    parser.add_argument("--json", type=Path, help="where the rows go as JSON")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--quick", action="store_const", dest="plan", const=QUICK, help="a minute, rough figures")
    amount.add_argument("--million", action="store_const", dest="plan", const=MILLION, help="ten million postings")
    parser.add_argument("--broker", action="append", choices=PREFERRED, help="this one")
    asked = parser.parse_args()
    rows = measure(asked.ids, asked.plan or FULL, asked.broker or PREFERRED)
    show(rows)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
