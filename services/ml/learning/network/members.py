"""Where members start from and what they are fed: seeded, so that a run can be repeated or taken up again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.learning.network.shape import Head, Recipe

Floats = NDArray[np.float32]


def padded_width(columns: int) -> int:
    """Input columns rounded up, so that tables of about one width share a compiled program."""
    step = 16 if columns <= 128 else 32 if columns <= 1024 else 128
    return max(step, -(-columns // step) * step)


# Parameters that all members have in common.
SHARED = ("center", "numbers")
# How fast waves go up and down before they are tuned: over the whole range of a number about once.
PITCH = 0.6


def first_params(
    x: Floats,
    folds: list[NDArray[np.intp]],
    head: Head,
    recipes: list[Recipe],
    masks: Floats | None,
    numbers: NDArray[np.intp] | None,
    seed: int,
) -> dict[str, Floats]:
    """Members before the first step: each unit starts centred on the lines it will learn from.

    What tells members of one program apart (rate, decay, dropout, the columns they see) is among the parameters, so
    that any mixture of them is compiled once.
    """
    columns, recipe = x.shape[1], recipes[0]
    params = _own_params(x, folds, recipes, masks)
    waves = 0
    if recipe.waves and numbers is not None and numbers.size:
        params["numbers"], waves = numbers.astype(np.int32), recipe.waves * numbers.size
    fans = [columns + waves, *recipe.hidden]
    sizes = [*recipe.hidden, head.width]
    members = [_first_member(x, rows, params, k, recipe, sizes, fans, seed) for k, rows in enumerate(folds)]
    params |= {name: np.stack([member[name] for member in members]) for name in members[0]}
    for i, size in enumerate(fans):
        params[f"fan{i}"] = np.array(1 / np.sqrt(max(size, 1)), dtype=np.float32)
    return params


def _own_params(
    x: Floats, folds: list[NDArray[np.intp]], recipes: list[Recipe], masks: Floats | None
) -> dict[str, NDArray[Any]]:
    columns, width = x.shape[1], padded_width(x.shape[1])
    params: dict[str, NDArray[Any]] = {"center": np.zeros(width, np.float32)}
    params["center"][:columns] = x[np.concatenate(folds)[:20000]].mean(axis=0)
    params["scale"] = np.ones((len(folds), width), np.float32)
    params["mask"] = np.ones((len(folds), width), np.float32)
    if masks is not None:
        params["mask"][:, :columns] = masks
    params["rate"] = np.array([own.learning_rate for own in recipes], np.float32)
    params["decay"] = np.array([own.weight_decay for own in recipes], np.float32)
    params["dropout"] = np.array([own.dropout for own in recipes], np.float32)
    return params


def _first_member(
    x: Floats,
    rows: NDArray[np.intp],
    params: dict[str, NDArray[Any]],
    k: int,
    recipe: Recipe,
    sizes: list[int],
    fans: list[int],
    seed: int,
) -> dict[str, Floats]:
    rng = np.random.default_rng([seed, k])
    sample = np.zeros((min(512, rows.size), params["center"].size), np.float32)
    sample[:, : x.shape[1]] = x[rng.choice(rows, size=len(sample), replace=False)]
    h = (sample - params["center"]) * params["mask"][k]
    if "numbers" not in params:
        return _first_layers(h, sizes, fans, rng)
    waving = _waves(recipe.waves, params["numbers"].size, rng)
    waves = np.cos(sample[:, params["numbers"], None] * waving["pitch"] + waving["phase"])
    h = np.concatenate([h, waves.reshape(len(h), -1)], axis=1)
    return {**waving, **_first_layers(h, sizes, fans, rng)}


def _waves(count: int, numbers: int, rng: np.random.Generator) -> dict[str, Floats]:
    pitch = rng.standard_normal((numbers, count)) * PITCH
    phase = rng.uniform(-np.pi, np.pi, (numbers, count))
    return {"pitch": pitch.astype(np.float32), "phase": phase.astype(np.float32)}


def _first_layers(h: Floats, sizes: list[int], fans: list[int], rng: np.random.Generator) -> dict[str, Floats]:
    member: dict[str, Floats] = {}
    for i, (size, units) in enumerate(pairwise([h.shape[1], *sizes])):
        w = rng.standard_normal((size, units)).astype(np.float32)
        b = np.zeros(units, np.float32)
        z = h @ w / np.sqrt(max(fans[i], 1))
        if i < len(sizes) - 1:
            spread = np.maximum(z.std(axis=0), 1e-2)
            w /= spread
            b += rng.standard_normal(units).astype(np.float32) * 0.5 - z.mean(axis=0) / spread
            h = np.tanh(z / spread + b)
        else:
            w *= 0.0
        member[f"w{i}"], member[f"b{i}"] = w.astype(np.float32), b.astype(np.float32)
    return member


@dataclass
class Feeder:
    """Gives each member its next lines; step s is always the same, whatever was asked before."""

    folds: list[NDArray[np.intp]]
    batch: int
    seed: int

    def __post_init__(self) -> None:
        self._orders: dict[tuple[int, int], NDArray[np.intp]] = {}

    def lines(self, first_step: int, steps: int) -> NDArray[np.intp]:
        """(steps, members, batch) line numbers."""
        found = [
            [self._lines_of(k, step) for k in range(len(self.folds))] for step in range(first_step, first_step + steps)
        ]
        return np.array(found)

    def _lines_of(self, member: int, step: int) -> NDArray[np.intp]:
        rows = self.folds[member]
        steps_per_round = max(1, rows.size // self.batch)
        turn, place = divmod(step, steps_per_round)
        key = (member, turn)
        if key not in self._orders:
            self._orders = {k: v for k, v in self._orders.items() if k[0] != member}
            self._orders[key] = np.random.default_rng([self.seed, member, turn]).permutation(rows)
        part = self._orders[key][place * self.batch : (place + 1) * self.batch]
        return np.resize(part, self.batch) if part.size < self.batch else part
