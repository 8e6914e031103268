"""Analysis of variance over a few factors, from the cells' means: exact, and as quick for any number of lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ml.graphs.material import Codes, Floats

MOST_CELLS = 1500


@dataclass(frozen=True, slots=True)
class Effect:
    """What a factor, or several together, explain; `p` is how often chance alone would explain as much."""

    factors: tuple[int, ...]
    freedom: int
    sum_of_squares: float
    f: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Anova:
    """Effects in the order of their size in factors, and what is left within the cells."""

    effects: list[Effect]
    residual_freedom: int
    residual: float
    total: float


def anova(values: Floats, factors: Sequence[Codes]) -> Anova | None:
    """Sums of squares of type II: each effect beside all that do not contain it.

    None where there are no more lines than cells, or too many cells to be read.
    """
    levels = [int(codes.max()) + 1 for codes in factors]
    if not len(values) or np.prod(levels, dtype=float) > MOST_CELLS:
        return None
    cells, where = np.unique(np.ravel_multi_index(list(factors), levels), return_inverse=True)
    count = np.bincount(where).astype(np.float64)
    mean = np.bincount(where, weights=values) / count
    residual, freedom = float(((values - mean[where]) ** 2).sum()), len(values) - len(cells)
    if freedom <= 0:
        return None
    blocks = _blocks(np.stack(np.unravel_index(cells, levels)), levels)
    grand = float(values.mean())
    effects = [_effect(terms, blocks, count, mean - grand, residual, freedom) for terms in blocks if terms]
    return Anova(effects, freedom, residual, float(((values - grand) ** 2).sum()))


def _blocks(cells: np.ndarray, levels: Sequence[int]) -> dict[tuple[int, ...], Floats]:
    """The columns of the design for each effect, a row a cell; level 0 of each factor is what others differ from."""
    ones = np.ones((cells.shape[1], 1))
    single = [np.eye(size)[codes][:, 1:] for codes, size in zip(cells, levels, strict=True)]
    blocks: dict[tuple[int, ...], Floats] = {(): ones}
    for size in range(1, len(levels) + 1):
        for terms in combinations(range(len(levels)), size):
            block = ones
            for term in terms:
                block = np.einsum("ni,nj->nij", block, single[term]).reshape(len(ones), -1)
            blocks[terms] = block
    return blocks


def _effect(
    terms: tuple[int, ...],
    blocks: dict[tuple[int, ...], Floats],
    count: Floats,
    mean: Floats,
    residual: float,
    left: int,
) -> Effect:
    from scipy.special import fdtrc

    beside = [block for others, block in blocks.items() if not set(terms) <= set(others)]
    before, rank = _unexplained(beside, count, mean)
    after, full_rank = _unexplained([*beside, blocks[terms]], count, mean)
    explained, freedom = max(0.0, before - after), full_rank - rank
    if freedom <= 0:
        return Effect(terms, 0, 0.0, None, None)
    if residual <= 0:
        return Effect(terms, freedom, explained, None, None)
    f = explained / freedom / (residual / left)
    return Effect(terms, freedom, explained, f, float(fdtrc(freedom, left, f)))


def _unexplained(blocks: Sequence[Floats], count: Floats, mean: Floats) -> tuple[float, int]:
    """What a model leaves of the cells' means, weighted by their lines, and its rank."""
    weight = np.sqrt(count)
    design = np.concatenate(blocks, axis=1) * weight[:, None]
    wanted = mean * weight
    solution, _, rank, _ = np.linalg.lstsq(design, wanted, rcond=None)
    return float(((wanted - design @ solution) ** 2).sum()), int(rank)
