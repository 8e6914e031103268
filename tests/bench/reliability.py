"""`make reliability`: the fault suite on both brokers and the benches, told in docs/reliability.md.

`python tests/bench/reliability.py [--only chaos|bench|page]` does one part of it; what the others found last is kept in
`.titan/reliability`. Fails when a fault test failed; a slow bench fails nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import Any

from titan.bench import bench, document, machine
from titan.tables import show_bench

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "reliability.md"
BROKERS = {"embedded": "the embedded broker", "apache": "Apache Kafka"}
FAULTS = {
    "a": "Relay and consumer killed (`kill -9`) before and after each step, with duplicates",
    "b": "Broker silent or gone; Apache Kafka killed and restarted; half of a topic's partitions without leader",
    "c": "PostgreSQL killed in a batch; the line cut at COMMIT; the disk full",
    "d": "Members that come and go each second; a frozen member that wakes after its session ended",
    "e": "Poison: undecodable, unknown, of the future, too large, or a handler that raises",
    "f": "A day in an hour: clock jumps, transactions held open, gaps in sequences",
}
LEDGER_FAULTS = {
    "g": "Billing's worker killed (`kill -9`) before and after each step, usage told twice and out of order",
    "h": "PostgreSQL killed in a page of the ledger; the line cut at COMMIT; the disk full",
    "i": "Workers that come and go; a frozen one that wakes; the broker away",
    "j": "Told otherwise, told before its time, told after the books were closed",
}
VERDICT = ("lost", "doubled", "inverted")
Line = dict[str, Any]


def main() -> int:
    """Run what is asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["chaos", "bench", "page"])
    parser.add_argument("--kept", type=Path, default=ROOT / ".titan" / "reliability", help="where findings are kept")
    parser.add_argument("--broker", action="append", choices=list(BROKERS), help="faults on this one only")
    asked = parser.parse_args()
    asked.kept.mkdir(parents=True, exist_ok=True)
    failed = []
    if asked.only in (None, "chaos"):
        failed = [broker for broker in asked.broker or BROKERS if not play_faults(broker, asked.kept)]
    if asked.only in (None, "bench"):
        rows = bench([], million=True)
        (asked.kept / "bench.json").write_text(document(rows))
        (asked.kept / "machine.json").write_text(json.dumps(machine()))
        show_bench(rows, machine())
    PAGE.write_text(page(asked.kept))
    for broker in failed:
        sys.stderr.write(f"reliability: a fault test failed on {BROKERS[broker]}; {PAGE.name} names it\n")
    return 1 if failed else 0


def play_faults(broker: str, kept: Path) -> bool:
    """Run tests/chaos on one broker; whether all passed. Its figures are in `kept` afterwards."""
    report = kept / f"faults-{broker}.jsonl"
    report.unlink(missing_ok=True)
    tests = [sys.executable, "-m", "pytest", "-p", "titan.testing", str(ROOT / "tests" / "chaos")]
    environment = os.environ | {"TITAN_CHAOS_REPORT": str(report), "TITAN_TEST_BROKER": broker}
    for name in ("TITAN_TEST_POSTGRES_URL", "TITAN_TEST_KAFKA", "TITAN_TEST_VALKEY"):
        environment.pop(name, None)
    return subprocess.run(tests, env=environment, cwd=ROOT, check=False).returncode == 0


def page(kept: Path) -> str:
    """docs/reliability.md from what is kept."""
    lines = latest(line for broker in BROKERS for line in read_lines(kept / f"faults-{broker}.jsonl"))
    rows = read(kept / "bench.json", [])
    where = read(kept / "machine.json", machine())
    template = Template((HERE / "reliability.template.md").read_text())
    told = {"written": machine()["measured"], "tests": len({line["test"] for line in lines})}
    known = FAULTS.keys() | LEDGER_FAULTS.keys()
    silent = [f"`{_test_of(line)}` on {BROKERS[line['broker']]}" for line in lines if line["row"] not in known]
    return template.substitute(
        where | told,
        faults=faults(lines, FAULTS),
        ledger_faults=faults(lines, LEDGER_FAULTS),
        silent=f"\n**Ended before they had figures:** {', '.join(silent)}.\n" if silent else "",
        bench=benches([row for row in rows if not row["id"].startswith("B-LEDGER")]),
        ledger_bench=benches([row for row in rows if row["id"].startswith("B-LEDGER")]),
    )


def read(path: Path, otherwise: Any) -> Any:
    """What a JSON file holds."""
    return json.loads(path.read_text()) if path.exists() else otherwise


def read_lines(path: Path) -> list[Line]:
    """What a file of JSON lines holds."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def latest(lines: Iterable[Line]) -> list[Line]:
    """Of a test that was run several times on a broker, only the last run's line."""
    return list({(line["test"], line["broker"]): line for line in lines}.values())


def faults(lines: Sequence[Line], known: dict[str, str]) -> str:
    """A table for each fault: its tests, then the controls that show the tests can fail."""
    return "\n\n".join(
        f"### {letter}. {what}\n\n{_fault_table([line for line in lines if line['row'] == letter])}"
        for letter, what in known.items()
    )


def _test_of(line: Line) -> str:
    return str(line["test"]).partition("::")[2]


def _fault_table(lines: Sequence[Line]) -> str:
    if not lines:
        return "Not measured yet."
    head = "| test | what came of it | on the embedded broker | on Apache Kafka |\n|---|---|---|---|"
    of = {
        name: [line for line in lines if line["test"] == name] for name in dict.fromkeys(one["test"] for one in lines)
    }
    controls_last = sorted(of, key=lambda name: bool(of[name][0]["control"]))
    return "\n".join([head, *(_fault_row(name, of[name]) for name in controls_last)])


def _fault_row(name: str, lines: Sequence[Line]) -> str:
    told = {line["broker"]: _figures(line) for line in lines}
    control = "**control** " if lines[0]["control"] else ""
    results = " / ".join(dict.fromkeys(line["result"] for line in lines))
    file, _, test = name.partition("::")
    cells = [f"{control}`{test}` ({file})", results, *(told.get(broker, "–") for broker in BROKERS)]
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _figures(line: Line) -> str:
    figures = dict(line["figures"])
    verdict = [figures.get(name) for name in VERDICT]
    if None not in verdict:
        figures = {name: value for name, value in figures.items() if name not in VERDICT}
    told = [f"{name.replace('_', ' ')} {_number(value)}" for name, value in figures.items() if value is not None]
    if None not in verdict:
        told.insert(0, f"{verdict[0]} lost, {verdict[1]} doubled, {verdict[2]} out of order")
    return "; ".join(told)


def _number(value: Any) -> str:
    return f"{value:,}".replace(",", " ") if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def benches(rows: Sequence[Line]) -> str:
    """The bench's rows as a table."""
    if not rows:
        return "Not measured yet."
    head = "| id | what | value | goal | beside, in the same run | ratio |\n|---|---|---|---|---|---|"
    return "\n".join([head, *(_bench_row(row) for row in rows)])


def _bench_row(row: Line) -> str:
    goal = f"{row['goal']} {'met' if row['met'] else '**missed**'}" if row["goal"] else ""
    anchor = f"{row['anchor']}: {row['anchor_value']:,}" if row["anchor"] else ""
    ratio = f"{row['ratio']:.2f}" if row["anchor"] else ""
    cells = [f"`{row['id']}`", row["what"], f"{row['value']:,} {row['unit']}", goal, anchor, ratio]
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


if __name__ == "__main__":
    sys.exit(main())
