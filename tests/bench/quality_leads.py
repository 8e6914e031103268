"""Whether a level is ever behind the one below by more than chance: both on the same held-out lines."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from quality_page import NOT_MEASURED, table_row

from ml.learning import scores
from ml.learning.encoding.outputs import LabelOutput
from ml.learning.solver import Solver

REDRAWS = 1000
# Of a table, by model and seed: how good its answers to the seed's held-out lines are.
Measures = Mapping[str, Mapping[int, scores.Measure]]


@dataclass(frozen=True)
class Held:
    """What a machine answered to held-out lines, and the truth: probabilities and codes of labels, or numbers."""

    answers: NDArray[np.float64]
    truth: NDArray[np.float64]

    @property
    def measure(self) -> scores.Measure:
        if self.answers.ndim == 2:
            return scores.label_measure(self.answers, self.truth.astype(np.intp))
        return scores.number_measure(self.answers, self.truth)

    def keep(self, place: Path) -> None:
        np.savez_compressed(place, answers=self.answers.astype(np.float32), truth=self.truth)

    @classmethod
    def kept(cls, place: Path) -> Held:
        found = np.load(place)
        return cls(found["answers"].astype(np.float64), found["truth"])


@dataclass(frozen=True)
class Lead:
    """How far one is ahead of another, the mean of the seeds, and where that falls in 95 of 100 redraws."""

    mean: float
    low: float
    high: float

    @property
    def is_behind(self) -> bool:
        return self.mean < 0

    @property
    def is_surely_behind(self) -> bool:
        return self.high < 0

    def __str__(self) -> str:
        told = f"{self.mean:+.2g} ({self.low:+.2g} to {self.high:+.2g})"
        return f"**{told}**" if self.is_surely_behind else told


def held_by(model: Path, table: Path, target: str, held_out: NDArray[np.bool_]) -> Held:
    """What the machine in the folder `model` answers to the lines of `table` that are `held_out`."""
    solver = Solver.load(model)
    rows = pq.read_table(table).filter(pa.array(held_out))
    true = rows[target]
    columns = {name: rows[name].to_pylist() for name in rows.column_names if name != target}
    solved = solver.solve_columns(solver.whole_columns(columns), rows.num_rows)
    (output,) = solver.encoder.outputs
    if isinstance(output, LabelOutput):
        probabilities = np.stack([solved.probabilities[target][label] for label in output.labels], axis=1)
        codes = [output.labels.index(str(label)) for label in true.to_pylist()]
        return Held(probabilities, np.array(codes, dtype=np.float64))
    return Held(solved.values[target], true.cast(pa.float64()).to_numpy())


def lead(own: Sequence[scores.Measure], others: Sequence[scores.Measure]) -> Lead:
    """Of `own` over `others`, a measure a seed each.

    Seeds are drawn anew, and within each the lines: trainings differ by chance as held-out lines do.
    """
    rng = np.random.default_rng(29)
    sign = 1 if own[0].higher_is_better else -1
    pairs = list(zip(own, others, strict=True))

    def difference(pair: tuple[scores.Measure, scores.Measure], rows: scores.Rows) -> float:
        return sign * (pair[0].of(rows) - pair[1].of(rows))

    def redrawn() -> float:
        seeds = [pairs[i] for i in rng.integers(0, len(pairs), len(pairs))]
        return float(np.mean([difference(pair, rng.integers(0, pair[0].lines, pair[0].lines)) for pair in seeds]))

    center = float(np.mean([difference(pair, np.arange(pair[0].lines)) for pair in pairs]))
    drawn = np.array([redrawn() for _ in range(REDRAWS)])
    low, high = np.quantile(drawn, (0.025, 0.975)) - drawn.mean() + center
    return Lead(center, float(low), float(high))


def told(tables: Mapping[str, Measures]) -> list[str]:
    """Lines of Markdown: each level beside the one below it, on every table; none where there are no two."""
    levels = sorted({model for measures in tables.values() for model in measures})
    steps = list(itertools.pairwise(levels))
    if not steps:
        return []
    found = {name: [_step(measures, above, below) for below, above in steps] for name, measures in tables.items()}
    rows = [["table", *(f"{above} over {below.split()[1]}" for below, above in steps)], ["---"] * (1 + len(steps))]
    rows += [[name, *(str(one or NOT_MEASURED) for one in leads)] for name, leads in found.items()]
    return [_judgement([one for leads in found.values() for one in leads if one]), "", *map(table_row, rows)]


def _step(measures: Measures, above: str, below: str) -> Lead | None:
    """By the seeds that both have."""
    own, other = measures.get(above, {}), measures.get(below, {})
    shared = sorted(own.keys() & other.keys())
    return lead([own[seed] for seed in shared], [other[seed] for seed in shared]) if shared else None


def _judgement(leads: Sequence[Lead]) -> str:
    behind, surely = (sum(getattr(one, name) for one in leads) for name in ("is_behind", "is_surely_behind"))
    ahead = sum(one.low > 0 for one in leads)
    return (
        f"In {len(leads)} pairs the higher level is ahead in {len(leads) - behind} (surely in {ahead}), behind in "
        f"{behind} and **surely behind in {surely}**. Above 0 is ahead, whatever the score; in brackets where the lead "
        "falls in 95 of 100 redraws of the seeds and of the held-out lines of each, drawn for both together."
    )
