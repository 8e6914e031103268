"""The quality bench's results as a Markdown page: scores, ranks, who beats whom, calibration, cost."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

Results = list[dict[str, Any]]


def page_of(results: Results, models: list[str], asked: argparse.Namespace) -> str:
    tables = list(dict.fromkeys(result["table"] for result in results))
    seeds = sorted({result["seed"] for result in results})
    found = {(r["table"], r["model"]): _mean(results, r["table"], r["model"]) for r in results}
    return "\n".join(
        [
            "# Quality: what the levels are worth beside other libraries",
            "",
            f"Written by `make quality`. {len(tables)} tables, {len(seeds)} seed{'s' if len(seeds) > 1 else ''}, one "
            "thread each; about a fifth of the lines is held out by a hash of seed and line, the same for all. "
            "Machines are trained with `titan ml train`. FLAML was given "
            f"{asked.flaml_seconds:g} CPU seconds, AutoGluon {asked.autogluon_seconds:g}, where they are shown.",
            "",
            "## Scores (mean of the seeds; auc: higher is better, logloss and rmse: lower)",
            "",
            *_scores(found, tables, models),
            "",
            "## Who does as well as or better than whom, of the tables above",
            "",
            *_duels(found, tables, models),
            "",
            "## Calibration and cost",
            "",
            *_costs(found, tables, models),
            "",
        ]
    )


def _mean(results: Results, table: str, model: str) -> dict[str, Any]:
    own = [r for r in results if r["table"] == table and r["model"] == model]
    return {
        **own[0],
        **{
            name: None if own[0][name] is None else float(np.mean([r[name] for r in own]))
            for name in ("value", "seconds", "calibration", "interval_held", "row", "megabytes")
        },
    }


def _scores(found: dict[tuple[str, str], dict[str, Any]], tables: list[str], models: list[str]) -> list[str]:
    rows = [_row(["table", "lines", "score", *models]), _row(["---"] * (3 + len(models)))]
    ranks = []
    for table in tables:
        first = found[table, models[0]]
        values = [found[table, model]["value"] for model in models]
        ranks.append(_ranks(values, first["score"]))
        best = min(range(len(models)), key=lambda i: ranks[-1][i])
        shown = [f"**{value:.5g}**" if i == best else f"{value:.5g}" for i, value in enumerate(values)]
        rows.append(_row([table, str(first["lines"]), first["score"], *shown]))
    rows.append(_row(["mean rank", "", "", *(f"{rank:.2f}" for rank in np.mean(ranks, axis=0))]))
    return rows


def _ranks(values: list[float], score: str) -> list[float]:
    signed = [-value if score == "auc" else value for value in values]
    return [1 + sum(other < own for other in signed) for own in signed]


def _duels(found: dict[tuple[str, str], dict[str, Any]], tables: list[str], models: list[str]) -> list[str]:
    rows = [_row(["", *models]), _row(["---"] * (1 + len(models)))]
    for model in models:
        counts = [
            "" if other == model else str(sum(_as_good(found[table, model], found[table, other]) for table in tables))
            for other in models
        ]
        rows.append(_row([model, *counts]))
    return rows


def _as_good(own: dict[str, Any], other: dict[str, Any]) -> bool:
    better: bool = own["value"] >= other["value"] if own["score"] == "auc" else own["value"] <= other["value"]
    return better


def _costs(found: dict[tuple[str, str], dict[str, Any]], tables: list[str], models: list[str]) -> list[str]:
    rows = [
        _row(["", *models]),
        _row(["---"] * (1 + len(models))),
    ]
    for table in tables:
        seconds = [f"{found[table, model]['seconds']:.1f} s" for model in models]
        errors = [found[table, model]["calibration"] for model in models]
        held = [found[table, model]["interval_held"] for model in models]
        told = [
            seconds[i]
            + (f", error {errors[i]:.3f}" if errors[i] is not None else "")
            + (f", interval {held[i]:.0%}" if held[i] is not None else "")
            for i in range(len(models))
        ]
        rows.append(_row([table, *told]))
    for name, unit in (("row", "ms"), ("megabytes", "MB")):
        own = [[found[t, m][name] for t in tables if found[t, m][name] is not None] for m in models]
        told = {"row": "one row solved, CPU, slowest table", "megabytes": "largest model"}[name]
        rows.append(_row([told, *(f"{max(values):.2f} {unit}" if values else "" for values in own)]))
    worst = [max((found[t, m]["calibration"] or 0.0) for t in tables) for m in models]
    rows.append(_row(["worst calibration error", *(f"{error:.3f}" for error in worst)]))
    rows.append("")
    rows.append(
        "CPU seconds of the whole process; error: expected calibration error in ten bins of certainty; interval: how "
        "many true numbers lay in the interval that nine in ten should."
    )
    return rows


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
