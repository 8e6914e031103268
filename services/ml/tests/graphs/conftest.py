"""A table of people that every type of graph can be drawn of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ml.graphs.draw import Drawing, draw
from ml.graphs.material import Column, Groups, Numbers
from ml.rules.graphs import Facts, Specification, check

LINES = 400


def labels(name: str, codes: np.ndarray, names: list[str]) -> Groups:
    return Groups(name, "LABEL", codes.astype(np.int32), names)


def numbers(name: str, values: np.ndarray, kind: str = "FLOAT") -> Numbers:
    return Numbers(name, kind, np.asarray(values, dtype=np.float64))


def facts_of(table: dict[str, Column]) -> list[Facts]:
    """What the service would know of the columns."""

    def distinct(column: Column) -> int:
        if isinstance(column, Groups):
            return len(np.unique(column.codes[column.codes >= 0]))
        return len(np.unique(column.values[~np.isnan(column.values)]))

    return [Facts(name, column.kind, distinct(column)) for name, column in table.items()]


@pytest.fixture
def people() -> dict[str, Column]:
    """Ages, incomes, cities and so on; a few values are missing."""
    chance = np.random.default_rng(5)
    age = chance.normal(45, 14, LINES).clip(18, 90)
    income = np.exp(chance.normal(10, 0.5, LINES)) + 100 * age
    income[:7] = np.nan
    return {
        "age": numbers("age", age),
        "income": numbers("income", income),
        "score": numbers("score", chance.normal(size=LINES)),
        "children": numbers("children", chance.integers(0, 4, LINES)),
        "day": numbers("day", 1.6e9 // 86400 * 86400 + 86400 * chance.integers(0, 500, LINES), "DATE"),
        "city": labels("city", chance.integers(-1, 4, LINES), ["Lyon", "Graz", "Porto", "Ålesund"]),
        "sex": labels("sex", chance.integers(0, 2, LINES), ["f", "m"]),
        "diet": labels("diet", chance.integers(0, 3, LINES), ["none", "low fat", "no fat"]),
    }


@pytest.fixture
def drawn(people: dict[str, Column]) -> Callable[..., Drawing]:
    """Draws: `drawn(8, x="city", y="income")`, of `people` or another `table`."""

    def make(graph_type: int, *, table: dict[str, Column] | None = None, theme: str = "light", **given: str) -> Drawing:
        shown = people if table is None else table
        extra = {name: given.pop(name) for name in ("frame", "palette", "statistic") if name in given}
        spec = Specification(graph_type, given, **extra)
        facts = facts_of(shown)
        return draw(check(spec, facts), shown, facts, theme=theme)

    return make
