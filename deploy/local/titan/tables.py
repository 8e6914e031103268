"""How answers look on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from titan.console import is_coloured, prefixed, say
from titan.doctor.finding import Finding


def show_status(status: dict[str, Any]) -> None:
    """The stack as a table, the worst news last."""
    out = _out()
    out.print(f"{status['state']}  {status['data_dir']}", style="bold")
    table = Table(box=None, pad_edge=False)
    for heading in ("part", "ready", "address", "processes", "restarts", "MiB"):
        table.add_column(heading, justify="right" if heading in ("restarts", "MiB") else "left")
    for name, service in status["services"].items():
        processes = service["processes"]
        table.add_row(
            name,
            "[green]yes[/]" if service["ready"] else "[red]no[/]",
            service["url"],
            " ".join(f"{process.partition('-')[2]}:{seen['pid'] or '-'}" for process, seen in processes.items()),
            str(sum(seen["restarts"] for seen in processes.values())),
            mebibytes(service["rss_bytes"]),
        )
    for name in ("postgres", "kafka", "valkey"):
        server = status[name]
        address = server.get("bootstrap") or server.get("url") or ""
        restarts = str(sum(seen["restarts"] for seen in server.get("processes", {}).values()) or "")
        table.add_row(name, "", address, server["kind"], restarts, mebibytes(server["rss_bytes"]))
    table.add_row("all, with the supervisor", "", "", "", "", mebibytes(status["rss_bytes"]))
    out.print(table)
    for name, why in _ends(status):
        out.print(f"{name} {why}", soft_wrap=True, style="yellow", markup=False)
    for lack in status["missing"]:
        out.print(f"missing: {lack}", style="red")


def _ends(status: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each process that ended since the stack began, and why."""
    parts = [*status["services"].values(), *(status[name] for name in ("postgres", "kafka", "valkey"))]
    for name, seen in (entry for part in parts for entry in part.get("processes", {}).items()):
        if seen["why"]:
            pause = seen.get("next_try_seconds")
            yield name, seen["why"] + (f" (next try in {pause:.0f} s)" if pause is not None else "")


def _out() -> Console:
    # A pipe has no width of its own, and a folded address is of no use to anybody.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def mebibytes(count: int) -> str:
    """Bytes for a reader."""
    return f"{count / 2**20:.0f}" if count else ""


def show_findings(findings: Sequence[Finding]) -> None:
    """What the doctor found, each with its way out."""
    out = _out()
    for finding in findings:
        mark = "[green]ok     [/]" if finding.ok else "[red]problem[/]"
        out.print(f"{mark} {finding.name}: {finding.detail}", soft_wrap=True)
        if finding.way_out:
            out.print(f"        {finding.way_out}", soft_wrap=True)


def show_bench(rows: Sequence[dict[str, Any]], machine: dict[str, str]) -> None:
    """What was measured, beside its anchor and its goal; a bench tells, it does not fail."""
    out = _out()
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "what", "value", "", "goal", "", "of", "anchor in the same run"):
        table.add_column(heading, justify="right" if heading in ("value", "of") else "left", no_wrap=heading == "id")
    for row in rows:
        met = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[row["met"]]
        anchor = f"{row['anchor']}: {row['anchor_value']:,}" if row["anchor"] else ""
        ratio = f"{row['ratio']:.2f} ×" if row["anchor"] else ""
        value = f"{row['value']:,}"
        table.add_row(row["id"], row["what"], value, row["unit"], row["goal"] or "", met, ratio, anchor)
    out.print(table)
    out.print(", ".join(f"{name} {value}" for name, value in machine.items()), style="dim")


def show_log_line(line: str) -> None:
    """A line of the common log, its process coloured."""
    name, _, text = line.partition(" | ")
    say(prefixed(name, text, coloured=is_coloured()))
