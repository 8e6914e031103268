"""Networks as nodes of an ONNX graph, in the operations that ONNX Runtime is quick at, for one row as for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from ml.learning.network.losses import LEAST_PROBABILITY

INPUT = "x"
Floats = NDArray[np.float32]
Said = Literal["numbers", "probabilities", "logs"]
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
# Beyond, Mish is its input to the last digit, and the square of the power would be too large for a single.
MISH_IS_LINEAR = 20.0


class Nodes:
    """Nodes and constants under construction; what is the same twice is there once."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._scalars: dict[float, str] = {}

    def constant(self, value: NDArray[np.generic]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def scalar(self, value: float) -> str:
        if value not in self._scalars:
            self._scalars[value] = self.constant(np.array(value, dtype=np.float32))
        return self._scalars[value]

    def node(self, kind: str, inputs: Sequence[str], *, out: str | None = None, **attributes: Any) -> str:
        name = out or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name


@dataclass(frozen=True, slots=True)
class Networks:
    """Members of one shape and activation, whatever learner they are of; `shares[k]` is what member k counts.

    `tensors` are w0 (members, columns, units), b0 (members, units), w1 …, the last of them as answered with. `said` is
    what the shares are of: numbers, probabilities, or logarithms of what so many members of a `learner` each say on
    average.
    """

    tensors: dict[str, Floats]
    activation: str
    shares: Floats
    said: Said
    learner: int = 1

    @property
    def layers(self) -> int:
        return sum(name.startswith("b") for name in self.tensors)

    def answers(self, nodes: Nodes) -> str:
        """(rows, answers): what is `said`, all members' together."""
        own = self._as_served()
        one = len(self.shares) == 1
        h = _of_one(nodes, own, self.activation) if one else _of_many(nodes, own, self.activation)
        if self.said != "numbers":
            h = nodes.node("Softmax", [h], axis=-1)
            if self.said == "logs":
                return self._logs(nodes, h)
            if one:
                return h if self.shares[0] == 1 else nodes.node("Mul", [h, nodes.scalar(float(self.shares[0]))])
            h = nodes.node("Mul", [h, nodes.constant(self.shares[:, None, None])])
        return h if one else nodes.node("ReduceSum", [h, nodes.constant(np.array([0], np.int64))], keepdims=0)

    def _logs(self, nodes: Nodes, probabilities: str) -> str:
        """(rows, answers): a learner's members lie side by side."""
        if len(self.shares) == 1:
            return nodes.node("Mul", [logs(nodes, probabilities), nodes.scalar(float(self.shares[0]))])
        shares = self.shares.reshape(-1, self.learner).sum(axis=1)
        parted = np.array([len(shares), self.learner, -1, self.tensors[f"b{self.layers - 1}"].shape[1]])
        means = nodes.node("Reshape", [probabilities, nodes.constant(parted)])
        h = logs(nodes, nodes.node("ReduceMean", [means], axes=[1], keepdims=0))
        h = nodes.node("Mul", [h, nodes.constant(shares[:, None, None])])
        return nodes.node("ReduceSum", [h, nodes.constant(np.array([0], np.int64))], keepdims=0)

    def _as_served(self) -> dict[str, Floats]:
        """The weights with what `_activation` leaves out, and the shares of numbers, folded in."""
        found = {name: value.astype(np.float64) for name, value in self.tensors.items()}
        shift, scale, rest = _FOLDED.get(self.activation, (0.0, 1.0, 0.0))
        for i in range(self.layers):
            if i:
                found[f"w{i}"] *= scale
                found[f"b{i}"] -= rest * found[f"w{i}"].sum(axis=1)
            if i < self.layers - 1:
                found[f"b{i}"] += shift
        if self.said == "numbers":
            found[f"w{self.layers - 1}"] *= self.shares[:, None, None]
            found[f"b{self.layers - 1}"] *= self.shares[:, None]
        return {name: found[name].astype(value.dtype) for name, value in self.tensors.items()}


def logs(nodes: Nodes, probabilities: str) -> str:
    """Bounded as errors are: no learner alone can rule a label out."""
    return nodes.node("Log", [nodes.node("Max", [probabilities, nodes.scalar(LEAST_PROBABILITY)])])


# What comes before an activation, after it, and is to be taken away then: SELU is written with one power and no branch.
_FOLDED = {"selu": (log(SELU_ALPHA), SELU_SCALE, log(SELU_ALPHA) + SELU_ALPHA)}


def _activation(nodes: Nodes, h: str, name: str) -> str:
    """ONNX Runtime has a quick power, but takes SELU value by value and Mish's logarithm six times as long as that."""
    if name == "selu":
        # With h shifted by log(alpha): relu + alpha e^min(h, 0), of which `_FOLDED` makes SELU in the next layer.
        bound = nodes.scalar(log(SELU_ALPHA))
        below, above = nodes.node("Clip", [h, "", bound]), nodes.node("Clip", [h, bound])
        return nodes.node("Add", [above, nodes.node("Exp", [below])])
    if name == "mish":
        # tanh(log(1 + e)) is (e^2 + 2e) / (e^2 + 2e + 2).
        e = nodes.node("Exp", [nodes.node("Clip", [h, "", nodes.scalar(MISH_IS_LINEAR)])])
        part = nodes.node("Mul", [e, nodes.node("Add", [e, nodes.scalar(2.0)])])
        return nodes.node("Mul", [h, nodes.node("Div", [part, nodes.node("Add", [part, nodes.scalar(2.0)])])])
    return nodes.node("Relu", [h])


def _of_one(nodes: Nodes, tensors: dict[str, Floats], activation: str) -> str:
    """(rows, answers) of a single member: nothing has to be turned."""
    h = INPUT
    for i in range(sum(name.startswith("b") for name in tensors)):
        h = _activation(nodes, h, activation) if i else h
        h = nodes.node("Gemm", [h, nodes.constant(tensors[f"w{i}"][0]), nodes.constant(tensors[f"b{i}"][0])])
        if not i and "waves" in tensors:
            waves = nodes.node("MatMul", [_cosines(nodes, tensors), nodes.constant(tensors["waves"][0])])
            h = nodes.node("Add", [h, waves])
    return h


def _of_many(nodes: Nodes, tensors: dict[str, Floats], activation: str) -> str:
    """(members, rows, answers): the first layer of all members is one product, the others one a member."""
    w, b = tensors["w0"], tensors["b0"]
    members, columns, units = w.shape
    first = nodes.constant(w.transpose(1, 0, 2).reshape(columns, members * units))
    h = nodes.node("Gemm", [INPUT, first, nodes.constant(b.reshape(members * units))])
    h = _by_member(nodes, h, members, units)
    if "waves" in tensors:
        waves = _by_member(nodes, _cosines(nodes, tensors), members, tensors["waves"].shape[1])
        h = nodes.node("Add", [h, nodes.node("MatMul", [waves, nodes.constant(tensors["waves"])])])
    for i in range(1, sum(name.startswith("b") for name in tensors)):
        h = _activation(nodes, h, activation)
        h = nodes.node("MatMul", [h, nodes.constant(tensors[f"w{i}"])])
        h = nodes.node("Add", [h, nodes.constant(tensors[f"b{i}"][:, None, :])])
    return h


def _by_member(nodes: Nodes, h: str, members: int, units: int) -> str:
    h = nodes.node("Reshape", [h, nodes.constant(np.array([-1, members, units], dtype=np.int64))])
    return nodes.node("Transpose", [h], perm=[1, 0, 2])


def _cosines(nodes: Nodes, tensors: dict[str, Floats]) -> str:
    """(rows, all waves of all members): one product makes them, in which each number meets its own pitches only."""
    pitch, phase = tensors["pitch"], tensors["phase"]
    members, numbers, count = pitch.shape
    spread = np.zeros((numbers, members, numbers, count), np.float32)
    spread[np.arange(numbers), :, np.arange(numbers)] = pitch.transpose(1, 0, 2)
    x = nodes.node("Gather", [INPUT, nodes.constant(tensors["numbers"].astype(np.int64))], axis=1)
    waves = [x, nodes.constant(spread.reshape(numbers, -1)), nodes.constant(phase.reshape(-1))]
    return nodes.node("Cos", [nodes.node("Gemm", waves)])
