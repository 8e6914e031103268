"""The report at the end: what was trained and how well, what was charged to whom and why, and whether it all holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rich.box import SIMPLE
from rich.table import Column, Table

from titan.configuration import SERVICES
from titan.demo.checks import Check
from titan.demo.client import Person
from titan.demo.screen import Screen

WHOSE = ("value", "constant", "linear", "boosted")


@dataclass(slots=True)
class Report:
    """Everything the demo found out; `as_json` is what `titan demo --json FILE` writes."""

    seconds: float = 0.0
    checks: list[Check] = field(default_factory=list)
    machines: list[dict[str, Any]] = field(default_factory=list)
    charges: list[dict[str, Any]] = field(default_factory=list)
    ledger: dict[str, Any] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every check held, and there were any."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    def check(self, name: str, holds: bool, detail: str) -> None:
        """Add a check."""
        self.checks.append(Check(name, holds, detail))

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "ok": self.ok,
            "seconds": round(self.seconds, 1),
            "checks": [check.as_json() for check in self.checks],
            "machines": self.machines,
            "charges": self.charges,
            "ledger": self.ledger,
            "events": self.events,
            "runs": self.runs,
        }


def charges_of(*people: Person) -> list[dict[str, Any]]:
    """What each person was charged or paid by each operation, with the sentence that names the cause."""
    found = []
    for person in people:
        for operation in person.items("billing", "operations", limit=200):
            story = person.get("billing", f"ledger/journals/{operation['journal_id']}")
            found.append(
                {
                    "who": person.name,
                    "kind": operation["kind"],
                    "machine": operation["machine_name"],
                    "lines": operation["count_of_lines"],
                    "parts": [f"{p['amount']} {p['currency']}" for p in story["postings"]],
                    "why": story["sentence"],
                    "cause": [event["id"] for event in story["events"]],
                    "journal_id": operation["journal_id"],
                }
            )
    return found


def show(screen: Screen, report: Report, addresses: dict[str, str]) -> None:
    """Print the report as tables, then where to look in a browser."""
    console = screen.console
    console.print()
    console.print(_machines(report))
    for machine in report.machines:
        for score in machine["scores"]:
            console.print(f"[bold]{machine['name']}[/]: {score['verdict']}")
    console.print()
    console.print(_charges(report))
    console.print(_runs(report))
    console.print(_checks(report))
    verdict = "[bold green]every check held[/]" if report.ok else "[bold red]NOT every check held[/]"
    console.print(f"\n{verdict} · {len(report.checks)} checks · {report.seconds:.0f} s")
    for name in SERVICES:
        console.print(f"  {name:10} {addresses[name]}/")


def _machines(report: Report) -> Table:
    table = _table("What was trained, and how well on lines kept back", "machine", "score")
    for column in ("reached", "constant", "linear", "LightGBM"):
        table.add_column(column, justify="right")
    for machine in report.machines:
        for score in machine["scores"]:
            table.add_row(
                f"{machine['name']}\nlevel {machine['level']}, {machine['learning_lines']} lines",
                f"{score['output']}\n{score['name']} {'↑' if score['higher_is_better'] else '↓'}",
                *("–" if score[whose] is None else f"{score[whose]:.4g}" for whose in WHOSE),
            )
    return table


def _charges(report: Report) -> Table:
    table = _table("What was charged to whom, and why", "who", "what", "because")
    for (who, kind), charges in _grouped(report.charges).items():
        last = charges[0]
        more = f" (and {len(charges) - 1} more like it)" if len(charges) > 1 else ""
        table.add_row(who, "\n".join([kind.replace("_", " "), *last["parts"]]), last["why"] + more)
    return table


def _grouped(charges: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for charge in charges:
        found.setdefault((charge["who"], charge["kind"]), []).append(charge)
    return found


def _runs(report: Report) -> Table:
    table = _table("What the bot did", "mode")
    for column in ("candles", "trades", "profit or loss", "denied by the calendar"):
        table.add_column(column, justify="right")
    for run in report.runs:
        table.add_row(
            run["mode"], str(run["candles"]), str(run["trades"]), run["profit_loss"], str(run["denied_by_calendar"])
        )
    return table


def _checks(report: Report) -> Table:
    table = _table("What must hold", "", "check", "found")
    for check in report.checks:
        table.add_row("[green]ok[/]" if check.ok else "[red]NO[/]", check.name, check.detail)
    return table


def _table(title: str, *columns: str) -> Table:
    """Readable in a terminal of 80 columns: nothing is cut off, and rules between rows take no room."""
    shown = (Column(name, overflow="fold") for name in columns)
    return Table(*shown, title=title, title_justify="left", title_style="bold", box=SIMPLE)
