"""The figures behind a graph as a file for spreadsheets."""

from __future__ import annotations

import csv
import io
from typing import Any

from ml.rules.formulas import harmless


def as_csv(told: dict[str, Any]) -> str:
    """Every table of a drawn graph, one below the other, each under its title."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for number, figures in enumerate(told["figures"]):
        if number:
            writer.writerow([])
        writer.writerow([harmless(figures["title"])])
        writer.writerow([harmless(name) for name in figures["head"]])
        writer.writerows([[_cell(cell) for cell in row] for row in figures["rows"]])
    return out.getvalue()


def _cell(cell: Any) -> Any:
    if cell is None:
        return ""
    return harmless(cell) if isinstance(cell, str) else cell
