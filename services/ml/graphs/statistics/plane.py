"""Two columns at once: hexagons, cells of a grid, and lines around where most lines of the table are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.graphs.material import Floats
from ml.graphs.statistics.spread import bandwidth

Points = list[tuple[float, float]]
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
_GRID = 96


@dataclass(frozen=True, slots=True)
class Cells:
    """Places with how many lines fall there, and the mean of a third column where one is given."""

    x: Floats
    y: Floats
    count: Floats
    mean: Floats | None


def hexagons(x: Floats, y: Floats, z: Floats | None, *, radius: float) -> Cells:
    """The lines of a plane (in the picture's points) by the hexagon that they fall in, tips up."""
    wide, high = radius * 3**0.5, radius * 1.5
    row = np.rint(y / high)
    column = np.rint(x / wide - (row % 2) / 2)
    # The nearest middle of the row may be beaten by one of the neighbouring row.
    other = row + np.where(y / high > row, 1.0, -1.0)
    column_there = np.rint(x / wide - (other % 2) / 2)
    here = (x - (column + (row % 2) / 2) * wide) ** 2 + (y - row * high) ** 2
    there = (x - (column_there + (other % 2) / 2) * wide) ** 2 + (y - other * high) ** 2
    is_there = there < here
    row, column = np.where(is_there, other, row), np.where(is_there, column_there, column)
    first_row, first_column = row.min(), column.min()
    across = int(column.max() - first_column) + 1
    keys, where = np.unique((row - first_row).astype(np.int64) * across + (column - first_column).astype(np.int64),
                            return_inverse=True)  # fmt: skip
    rows, columns = keys // across + first_row, keys % across + first_column
    return Cells((columns + (rows % 2) / 2) * wide, rows * high, *_by_cell(where, z))


def grid(x: Floats, y: Floats, z: Floats | None, x_edges: Floats, y_edges: Floats) -> tuple[Cells, Floats, Floats]:
    """The lines by cell of a grid, empty cells left out; also the cells' right and upper edges."""
    across = np.clip(np.searchsorted(x_edges, x, side="right") - 1, 0, len(x_edges) - 2)
    upwards = np.clip(np.searchsorted(y_edges, y, side="right") - 1, 0, len(y_edges) - 2)
    cells, where = np.unique(across * len(y_edges) + upwards, return_inverse=True)
    at, up = cells // len(y_edges), cells % len(y_edges)
    return Cells(x_edges[at], y_edges[up], *_by_cell(where, z)), x_edges[at + 1], y_edges[up + 1]


def _by_cell(where: NDArray[np.int64], z: Floats | None) -> tuple[Floats, Floats | None]:
    count = np.bincount(where).astype(np.float64)
    return count, None if z is None else np.bincount(where, weights=z) / count


def contours(x: Floats, y: Floats) -> list[tuple[float, list[Points]]]:
    """(share, lines): lines around the densest places that hold that share of the table, outermost last."""
    if len(x) < 10 or x.std() <= 0 or y.std() <= 0:
        return []
    xs, ys, found = _density(x, y)
    ordered = np.sort(found.ravel())[::-1]
    inside = np.cumsum(ordered) / ordered.sum()
    levels = [(share, float(ordered[min(int(np.searchsorted(inside, share)), len(ordered) - 1)])) for share in SHARES]
    return [(share, _lines(xs, ys, found, level)) for share, level in levels]


def _density(x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    places, counts_edges = [], []
    widths = (bandwidth(x), bandwidth(y))
    for values, width in zip((x, y), widths, strict=True):
        edges = np.linspace(values.min() - 2 * width, values.max() + 2 * width, _GRID + 1)
        counts_edges.append(edges)
        places.append((edges[:-1] + edges[1:]) / 2)
    counts, _, _ = np.histogram2d(x, y, bins=counts_edges)
    smooth = [
        np.exp(-0.5 * ((at[:, None] - at[None, :]) / max(width * 1.2, at[1] - at[0])) ** 2)
        for at, width in zip(places, widths, strict=True)
    ]
    return places[0], places[1], smooth[0] @ counts @ smooth[1].T


def _lines(xs: Floats, ys: Floats, heights: Floats, level: float) -> list[Points]:
    """Where the surface has that height: marching squares, their pieces joined end to end."""
    pieces: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}
    for i in range(len(xs) - 1):
        above = heights[i : i + 2] > level
        left, right = above[:, :-1], above[:, 1:]
        mixed = (left[0] != left[1]) | (left[1] != right[1]) | (right[1] != right[0])
        for j in np.flatnonzero(mixed):
            for one, other in _crossings(above[:, j : j + 2], i, int(j)):
                pieces.setdefault(one, []).append(other)
                pieces.setdefault(other, []).append(one)
    return [[_place(xs, ys, heights, level, edge) for edge in chain] for chain in _chains(pieces)]


def _crossings(above: NDArray[np.bool_], i: int, j: int) -> list[tuple[tuple[int, int, int], tuple[int, int, int]]]:
    """The edges of a cell that the line crosses, in pairs; an edge is (i, j, 0 along x or 1 along y)."""
    corners = [above[0, 0], above[1, 0], above[1, 1], above[0, 1]]
    edges = [(i, j, 0), (i + 1, j, 1), (i, j + 1, 0), (i, j, 1)]
    crossed = [edges[place] for place in range(4) if corners[place] != corners[(place + 1) % 4]]
    return [(crossed[place], crossed[place + 1]) for place in range(0, len(crossed) - 1, 2)]


def _chains(pieces: dict[tuple[int, int, int], list[tuple[int, int, int]]]) -> list[list[tuple[int, int, int]]]:
    chains = []
    # Lines that end at the rim are begun at their ends, closed ones anywhere.
    for start in sorted(pieces, key=lambda edge: len(pieces[edge]) != 1):
        chain, at = [start], start
        while pieces[at]:
            following = pieces[at].pop()
            pieces[following].remove(at)
            chain.append(following)
            at = following
        if len(chain) > 1:
            chains.append(chain)
    return chains


def _place(xs: Floats, ys: Floats, heights: Floats, level: float, edge: tuple[int, int, int]) -> tuple[float, float]:
    i, j, along_y = edge
    to_i, to_j = (i, j + 1) if along_y else (i + 1, j)
    first, last = heights[i, j], heights[to_i, to_j]
    share = (level - first) / (last - first) if last != first else 0.5
    return float(xs[i] + share * (xs[to_i] - xs[i])), float(ys[j] + share * (ys[to_j] - ys[j]))
