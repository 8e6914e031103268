"""Tables whose truth is known, and one machine trained on such a table for all tests that only look at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ml.learning.learn import Trained, train
from ml.learning.plan import TrainingPlan
from ml.learning.tables.batch import Cell, RowTable

Rows = list[dict[str, Cell]]


def flats(lines: int, seed: int = 0) -> Rows:
    """Flats whose price depends on size, quarter and year of building; some sizes are missing."""
    rng = np.random.default_rng(seed)
    rows: Rows = []
    for _ in range(lines):
        size, quarter = (
            float(np.round(rng.uniform(20, 150), 1)),
            str(rng.choice(["north", "south", "old town"])),
        )
        built = f"{rng.integers(1950, 2020)}-{rng.integers(1, 13):02d}-01"
        price = size * {"north": 2.0, "south": 3.0, "old town": 5.0}[quarter] + rng.normal(0, 10)
        rows.append(
            {
                "size": None if rng.random() < 0.05 else size,
                "quarter": quarter,
                "built": built,
                "noise": float(rng.normal()),
                "price": float(np.round(price, 2)),
                "is_dear": "yes" if price > 280 else "no",
            }
        )
    return rows


def as_table(rows: Rows) -> RowTable:
    return RowTable(rows, list(rows[0]))


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs compiled by one test are there for the next."""
    return tmp_path_factory.mktemp("compiled")


Learn = Callable[..., Trained]


@pytest.fixture
def learn(compiled: Path, tmp_path: Path) -> Learn:
    """Train on flats for the column `is_dear` unless told otherwise."""

    def run(
        rows: Rows | None = None, *, folder: str = "model", plan: TrainingPlan | None = None, **more: object
    ) -> Trained:
        asked = plan or TrainingPlan(("is_dear",), ignore=("price",), seed=1)
        return train(as_table(rows or flats(400)), asked, tmp_path / folder, cache=compiled, **more)  # type: ignore[arg-type]

    return run


@pytest.fixture(scope="session")
def trained(compiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A machine that tells dear flats from others."""
    plan = TrainingPlan(("is_dear",), ignore=("price",), seed=1)
    return train(as_table(flats(400)), plan, tmp_path_factory.mktemp("machines") / "dear", cache=compiled)


@pytest.fixture(scope="session")
def trained_on_both(compiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A machine with a number and a label as outputs."""
    plan = TrainingPlan(("price", "is_dear"), seed=1)
    return train(as_table(flats(400)), plan, tmp_path_factory.mktemp("machines") / "both", cache=compiled)
