"""How each input was spread over bins when it was learnt from, and how rows to be solved are: counted the same way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.learning.columns.values import label_of, moment_of, number_of, other_spellings, time_of
from ml.learning.encoding.encoder import Encoder
from ml.learning.encoding.moment import MomentInput
from ml.learning.encoding.number import NumberInput
from ml.learning.tables.batch import Cell

if TYPE_CHECKING:
    from ml.learning.load import LabelColumn, LoadedTable

NUMBER_BINS = 8
MOST_LABELS = 12
# Many more columns are not counted one by one: the page could not show them.
MOST_COLUMNS = 100
Shares = dict[str, Any]


def learnt_shares(table: LoadedTable, lines: NDArray[np.intp], encoder: Encoder) -> dict[str, Shares]:
    """By input column, its bins and how many in a million of the learning lines fall into each.

    The last bin is for what is missing or cannot be read, a label's last but one for all rarer labels.
    """
    ways = {entry.column: _way(entry) for entry in encoder.inputs if isinstance(entry, NumberInput | MomentInput)}
    found: dict[str, Shares] = {}
    for name in encoder.input_columns[:MOST_COLUMNS]:
        if name in table.numbers:
            found[name] = _of_numbers(table.numbers[name][lines]) | ways.get(name, {})
        elif name in table.labels and (shares := _of_labels(table.labels[name], lines)):
            found[name] = shares
    return found


def _way(entry: NumberInput | MomentInput) -> Shares:
    """How the column's cells are read as numbers."""
    if isinstance(entry, MomentInput):
        return {"order": entry.order}
    return {"is_time": True} if entry.kind == "time" else {"decimal": entry.decimal}


def _of_numbers(values: NDArray[np.float64]) -> Shares:
    present = values[~np.isnan(values)]
    inner = np.quantile(present, np.linspace(0, 1, NUMBER_BINS + 1)[1:-1]).tolist() if present.size else []
    edges: list[float] = sorted(set(inner))
    return {"kind": "number", "edges": edges, "shares": _in_a_million(_numbers_in(values, edges))}


def _of_labels(column: LabelColumn, lines: NDArray[np.intp]) -> Shares | None:
    codes = column.codes[lines]
    counts = np.bincount(codes[codes >= 0], minlength=len(column.labels))
    often = sorted(np.argsort(-counts, kind="stable")[:MOST_LABELS].tolist())
    inside = int(counts[often].sum())
    if inside * 2 < int(counts.sum()):
        return None  # names and texts: almost every one is rare
    shares = [*(int(counts[i]) for i in often), int(counts.sum()) - inside, int((codes < 0).sum())]
    return {"kind": "label", "labels": [column.labels[i] for i in often], "shares": _in_a_million(shares)}


def _in_a_million(counts: Sequence[int]) -> list[int]:
    whole = max(1, sum(counts))
    return [round(1_000_000 * count / whole) for count in counts]


def counted(
    learnt: Mapping[str, Shares], columns: Mapping[str, Sequence[Cell]], *, decimal: str = ""
) -> dict[str, list[int]]:
    """How many of the cells fall into each bin, by column; `decimal` is their own sign, else that of the learnt."""
    own = {"decimal": decimal} if decimal else {}
    return {name: _counted({**shares, **own}, columns[name]) for name, shares in learnt.items() if name in columns}


def _counted(shares: Shares, cells: Sequence[Cell]) -> list[int]:
    if shares["kind"] == "label":
        return _labels_in(cells, shares["labels"])
    values = np.array([_number(cell, shares) for cell in cells], dtype=np.float64)
    return _numbers_in(values, shares["edges"])


def _number(cell: Cell, shares: Shares) -> float | None:
    if order := shares.get("order"):
        return moment_of(cell, order)
    return time_of(cell) if shares.get("is_time") else number_of(cell, shares.get("decimal", "."))


def _numbers_in(values: NDArray[np.float64], edges: Sequence[float]) -> list[int]:
    missing = np.isnan(values)
    places = np.searchsorted(np.asarray(edges), values[~missing], side="left")
    return [*np.bincount(places, minlength=len(edges) + 1).tolist(), int(missing.sum())]


def _labels_in(cells: Sequence[Cell], labels: Sequence[str]) -> list[int]:
    places = {label: i for i, label in enumerate(labels)}
    counts = [0] * (len(labels) + 2)
    for label, count in Counter(map(label_of, cells)).items():
        if label is None:
            counts[-1] += count
            continue
        known = label if label in places else next((name for name in other_spellings(label) if name in places), "")
        counts[places.get(known, len(labels))] += count
    return counts
