"""The quality bench's results as a Markdown page: scores, ranks, who beats whom, calibration, cost."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Results = list[dict[str, Any]]
# The results of a model on a table, by seed.
Found = dict[tuple[str, str], dict[int, dict[str, Any]]]
NOT_MEASURED = "–"
TEMPLATE = Path(__file__).with_name("quality.template.md")


def page_of(
    results: Results,
    models: list[str],
    asked: argparse.Namespace,
    *,
    leads: Sequence[str] = (),
    growth: Sequence[str] = (),
) -> str:
    """`leads` are the lines of quality_leads.py, `growth` those of ml_cost.py, how cost grows with the table."""
    tables = list(dict.fromkeys(result["table"] for result in results))
    seeds = sorted({result["seed"] for result in results})
    found: Found = defaultdict(dict)
    for result in results:
        found[result["table"], result["model"]][result["seed"]] = result
    missing = _not_measured(found, tables, models)
    models = [model for model in models if any((table, model) in found for table in tables)]
    told = [
        f"{len(tables)} tables, seeds {', '.join(map(str, seeds))}; where they are shown, FLAML was given "
        f"{asked.flaml_seconds:g} CPU seconds and AutoGluon {asked.autogluon_seconds:g}.",
        *missing,
        *_fewer_seeds(found, models, seeds),
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
    if leads:
        told += ["", "## Each level beside the one below", "", *leads]
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


def _fewer_seeds(found: Found, models: list[str], seeds: list[int]) -> list[str]:
    """A sentence on who was not measured with every seed, and what that means for comparisons."""
    told = []
    for model in models:
        lacking = [seed for seed in seeds if any(m == model and seed not in own for (_, m), own in found.items())]
        if lacking:
            told.append(f"{model} not with {', '.join(map(str, lacking))} on every table")
    if not told:
        return []
    return ["", f"Of the seeds: {'; '.join(told)}. Two are compared by the seeds that both were measured with."]


def _mean(own: dict[int, dict[str, Any]], seeds: Collection[int] | None = None) -> dict[str, Any]:
    some = [result for seed, result in own.items() if seeds is None or seed in seeds]
    return {
        **some[0],
        **{
            name: None if any(r.get(name) is None for r in some) else float(np.mean([r[name] for r in some]))
            for name in ("value", "seconds", "calibration", "by_chance", "interval_held", "row", "megabytes")
        },
    }


def _scores(found: Found, tables: list[str], models: list[str]) -> list[str]:
    rows = [table_row(["table", "lines", "score", *models]), table_row(["---"] * (3 + len(models)))]
    ranks = []
    for table in tables:
        own = [model for model in models if (table, model) in found]
        rank = {model: 1 + sum(_as_good(found, table, model, other) is False for other in own) for model in own}
        if len(own) == len(models):
            ranks.append([rank[model] for model in models])
        mean = {model: _mean(found[table, model]) for model in own}
        first = next(iter(mean.values()))
        shown = [_value(mean[m]["value"], is_best=rank[m] == 1) if m in own else NOT_MEASURED for m in models]
        rows.append(table_row([table, str(first["lines"]), first["score"], *shown]))
    if ranks:
        told = f"mean rank ({len(ranks)} of {len(tables)} tables have all)"
        rows.append(table_row([told, "", "", *(f"{rank:.2f}" for rank in np.mean(ranks, axis=0))]))
    return rows


def _value(value: float, *, is_best: bool) -> str:
    return f"**{value:.5g}**" if is_best else f"{value:.5g}"


def _duels(found: Found, tables: list[str], models: list[str]) -> list[str]:
    rows = [table_row(["", *models]), table_row(["---"] * (1 + len(models)))]
    for model in models:
        counts = []
        for other in models:
            duels = [_as_good(found, table, model, other) for table in tables]
            fought = [won for won in duels if won is not None]
            counts.append("" if other == model else f"{sum(fought)} of {len(fought)}")
        rows.append(table_row([model, *counts]))
    return rows


def _as_good(found: Found, table: str, model: str, other: str) -> bool | None:
    """Whether `model` did as well as or better than `other`, by the seeds that both have; None when they share none."""
    shared = found.get((table, model), {}).keys() & found.get((table, other), {}).keys()
    if not shared:
        return None
    own, others = (_mean(found[table, one], shared) for one in (model, other))
    better: bool = own["value"] >= others["value"] if own["score"] == "auc" else own["value"] <= others["value"]
    return better


def _costs(found: Found, tables: list[str], models: list[str]) -> list[str]:
    rows = [table_row(["", *models]), table_row(["---"] * (1 + len(models)))]
    mean = {place: _mean(own) for place, own in found.items()}
    rows += [table_row([table, *(_cost(mean.get((table, model))) for model in models)]) for table in tables]
    kept = {model: [mean[table, model] for table in tables if (table, model) in mean] for model in models}
    for name, told, form in (
        ("row", "one row solved, CPU, slowest table", "{:.2f} ms"),
        ("megabytes", "largest model", "{:.1f} MB"),
        ("calibration", "worst calibration error", "{:.3f}"),
    ):
        most = [[own[name] for own in kept[model] if own[name] is not None] for model in models]
        rows.append(table_row([told, *(form.format(max(values)) if values else "" for values in most)]))
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


def table_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
