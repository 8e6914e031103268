"""The quality bench's results as a Markdown page: scores, ranks, who beats whom, calibration, cost."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

Results = list[dict[str, Any]]
Found = dict[tuple[str, str], dict[str, Any]]
NOT_MEASURED = "–"
TEMPLATE = Path(__file__).with_name("quality.template.md")


def page_of(results: Results, models: list[str], asked: argparse.Namespace, growth: Sequence[str] = ()) -> str:
    """`growth` are the lines of ml_cost.py, how cost grows with the table."""
    tables = list(dict.fromkeys(result["table"] for result in results))
    seeds = sorted({result["seed"] for result in results})
    found = {(r["table"], r["model"]): _mean(results, r["table"], r["model"]) for r in results}
    missing = _not_measured(found, tables, models)
    models = [model for model in models if any((table, model) in found for table in tables)]
    told = [
        f"{len(tables)} tables, seeds {', '.join(map(str, seeds))}; where they are shown, FLAML was given "
        f"{asked.flaml_seconds:g} CPU seconds and AutoGluon {asked.autogluon_seconds:g}.",
        *missing,
        "",
        "## Scores (mean of the seeds; auc: higher is better, logloss and rmse: lower)",
        "",
        *_scores(found, tables, models),
        "",
        "## How often the one on the left does as well as or better than the one above",
        "",
        *_duels(found, tables, models),
        "",
        "## Calibration and cost",
        "",
        *_costs(found, tables, models),
    ]
    if growth:
        told += ["", "## How cost grows with the table", "", *growth]
    return TEMPLATE.read_text().replace("{results}", "\n".join(told))


def _not_measured(found: Found, tables: list[str], models: list[str]) -> list[str]:
    """A sentence on what there are no figures of, if there is such."""
    told = []
    for model in models:
        lacking = [table for table in tables if (table, model) not in found]
        if lacking:
            told.append(f"{model} on {'any table' if lacking == tables else ', '.join(lacking)}")
    return ["", f"Not measured, and shown as {NOT_MEASURED} or not at all: {'; '.join(told)}."] if told else []


def _mean(results: Results, table: str, model: str) -> dict[str, Any]:
    own = [r for r in results if r["table"] == table and r["model"] == model]
    return {
        **own[0],
        **{
            name: None if any(r.get(name) is None for r in own) else float(np.mean([r[name] for r in own]))
            for name in ("value", "seconds", "calibration", "by_chance", "interval_held", "row", "megabytes")
        },
    }


def _scores(found: Found, tables: list[str], models: list[str]) -> list[str]:
    rows = [_row(["table", "lines", "score", *models]), _row(["---"] * (3 + len(models)))]
    ranks = []
    for table in tables:
        own = {model: found[table, model] for model in models if (table, model) in found}
        rank = {model: 1 + sum(not _as_good(it, other) for other in own.values()) for model, it in own.items()}
        if len(own) == len(models):
            ranks.append([rank[model] for model in models])
        first = next(iter(own.values()))
        shown = [_value(own[m]["value"], is_best=rank[m] == 1) if m in own else NOT_MEASURED for m in models]
        rows.append(_row([table, str(first["lines"]), first["score"], *shown]))
    if ranks:
        told = f"mean rank ({len(ranks)} of {len(tables)} tables have all)"
        rows.append(_row([told, "", "", *(f"{rank:.2f}" for rank in np.mean(ranks, axis=0))]))
    return rows


def _value(value: float, *, is_best: bool) -> str:
    return f"**{value:.5g}**" if is_best else f"{value:.5g}"


def _duels(found: Found, tables: list[str], models: list[str]) -> list[str]:
    rows = [_row(["", *models]), _row(["---"] * (1 + len(models)))]
    for model in models:
        counts = []
        for other in models:
            both = [table for table in tables if (table, model) in found and (table, other) in found]
            won = sum(_as_good(found[table, model], found[table, other]) for table in both)
            counts.append("" if other == model else f"{won} of {len(both)}")
        rows.append(_row([model, *counts]))
    return rows


def _as_good(own: dict[str, Any], other: dict[str, Any]) -> bool:
    better: bool = own["value"] >= other["value"] if own["score"] == "auc" else own["value"] <= other["value"]
    return better


def _costs(found: Found, tables: list[str], models: list[str]) -> list[str]:
    rows = [_row(["", *models]), _row(["---"] * (1 + len(models)))]
    rows += [_row([table, *(_cost(found.get((table, model))) for model in models)]) for table in tables]
    kept = {model: [found[table, model] for table in tables if (table, model) in found] for model in models}
    for name, told, form in (
        ("row", "one row solved, CPU, slowest table", "{:.2f} ms"),
        ("megabytes", "largest model", "{:.1f} MB"),
        ("calibration", "worst calibration error", "{:.3f}"),
    ):
        most = [[own[name] for own in kept[model] if own[name] is not None] for model in models]
        rows.append(_row([told, *(form.format(max(values)) if values else "" for values in most)]))
    rows.append("")
    rows.append(
        "CPU seconds of the whole process; error: expected calibration error in ten bins of certainty, in brackets "
        "what chance alone shows of so many lines when a model is exactly as right as it says (where it was measured); "
        "interval: how many true numbers lay in the interval that nine in ten should."
    )
    return rows


def _cost(own: dict[str, Any] | None) -> str:
    if own is None:
        return NOT_MEASURED
    told = f"{own['seconds']:.1f} s"
    if own["calibration"] is not None:
        told += f", error {own['calibration']:.3f}"
        told += "" if own["by_chance"] is None else f" ({own['by_chance']:.3f})"
    if own["interval_held"] is not None:
        told += f", interval {own['interval_held']:.0%}"
    return told


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
