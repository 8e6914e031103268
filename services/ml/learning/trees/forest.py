"""Trees as plain arrays: read from what LightGBM writes, answered in NumPy, given to ONNX and safetensors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
# Of a learner as it is served: each row walks through all of its trees.
MOST_NODES = 400_000
_LEAVES = re.compile(r"^num_leaves=(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Forest:
    """All trees of a learner, node after node; `tree` and `answer` say whose a node is and what its leaf adds to.

    `feature` is -1 at a leaf, whose `value` is then what it adds; elsewhere lines whose column is at most `value` go
    `left`, the others right. Children are places within the same tree.
    """

    tree: Ints
    feature: Ints
    value: NDArray[np.float32]
    left: Ints
    right: Ints
    answer: Ints

    @property
    def node_count(self) -> int:
        return int(self.tree.size)

    @property
    def tree_count(self) -> int:
        return int(self.tree[-1]) + 1

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        return {f"trees.{name}": getattr(self, name) for name in self.__slots__}


def as_many_as_fit(texts: Sequence[str]) -> list[str]:
    """The first boosters that have no more than MOST_NODES together; at least one."""
    nodes = np.cumsum([sum(2 * int(leaves) - 1 for leaves in _LEAVES.findall(text)) for text in texts])
    return list(texts[: max(1, int((nodes <= MOST_NODES).sum()))])


def forest_of(texts: Sequence[str], columns: NDArray[np.intp], width: int) -> Forest:
    """One forest of several boosters, each counting the same; `columns` are the places its features have in a row.

    Of two labels only the second has trees: the first answers nothing.
    """
    classes = 1 if width <= 2 else width
    # A booster has a tree for each class a round; boosters end after rounds of their own.
    trees = [(i % classes, _tree_of(part)) for text in texts for i, part in enumerate(text.split("\nTree=")[1:])]
    parts: list[list[NDArray[np.generic]]] = []
    for number, (answer, (feature, value, left, right)) in enumerate(trees):
        is_leaf = feature < 0
        size = feature.size
        parts.append(
            [
                np.full(size, number, np.int32),
                np.where(is_leaf, -1, columns[feature]).astype(np.int32),
                np.where(is_leaf, value / len(texts), _float_below(value)).astype(np.float32),
                left,
                right,
                np.full(size, answer + (width == 2), np.int32),
            ]
        )
    return Forest(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _tree_of(text: str) -> tuple[Ints, NDArray[np.float64], Ints, Ints]:
    """(feature, threshold or leaf value, left, right): inner nodes first, then leaves."""
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    leaves = np.array(found["leaf_value"].split(), dtype=np.float64)
    inner = leaves.size - 1
    if not inner:
        return np.array([-1], np.int32), leaves, np.zeros(1, np.int32), np.zeros(1, np.int32)
    feature = np.concatenate([_ints(found["split_feature"]), np.full(leaves.size, -1, np.int32)])
    value = np.concatenate([np.array(found["threshold"].split(), dtype=np.float64), leaves])
    nothing = np.zeros(leaves.size, np.int32)
    left, right = (_places(_ints(found[f"{side}_child"]), inner) for side in ("left", "right"))
    return feature, value, np.concatenate([left, nothing]), np.concatenate([right, nothing])


def _ints(text: str) -> Ints:
    return np.array(text.split(), dtype=np.int32)


def _places(children: Ints, inner: int) -> Ints:
    """LightGBM numbers leaves from -1 downwards; here they come after the inner nodes."""
    return np.where(children < 0, inner - children - 1, children).astype(np.int32)


def _float_below(threshold: NDArray[np.float64]) -> NDArray[np.float64]:
    """The greatest single that is not above the threshold: for columns in singles the comparison stays the same."""
    single = threshold.astype(np.float32)
    above = single.astype(np.float64) > threshold
    single[above] = np.nextafter(single[above], np.float32(-np.inf))
    return single.astype(np.float64)
