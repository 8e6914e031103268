"""The trained machine as an ONNX graph, built by hand: encoded columns in, calibrated answers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ml.learning.blend import Blend
from ml.learning.linear import Linear
from ml.learning.network.shape import Head
from ml.learning.trees.forest import Forest

OPSET = 17
ML, ML_OPSET = "ai.onnx.ml", 3
INPUT, OUTPUT = "x", "answers"
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Served:
    """A learner as it is served: its share among the learners, and what its logits are divided by."""

    name: str
    share: float
    temperature: float


@dataclass(frozen=True, slots=True)
class ServedNetwork(Served):
    """Its members as plain weights: w0 (members, columns, units), b0 (members, units), w1 …"""

    tensors: dict[str, Floats]
    activation: str


@dataclass(frozen=True, slots=True)
class ServedTrees(Served):
    """Its trees, all folds' together."""

    forest: Forest


@dataclass(frozen=True, slots=True)
class Part:
    """One output of the machine: the learners, the linear member on all encoded columns, the constant, and the shares
    of these three."""

    head: Head
    learners: tuple[Served, ...]
    linear: Linear
    constant: NDArray[np.float64]
    blend: Blend


def tensors_of(params: dict[str, Floats], columns: int) -> dict[str, Floats]:
    """The network with its centring, scaling and NTK factors folded into plain weights, padding cut off."""
    layers = sum(name.startswith("w") for name in params)
    found: dict[str, Floats] = {}
    for i in range(layers):
        weights = params[f"w{i}"] * params[f"fan{i}"]
        bias = params[f"b{i}"]
        if i == 0 and "pitch" in params:
            width = params["scale"].shape[1]
            found["waves"] = weights[:, width:].astype(np.float32)
            found |= {name: params[name] for name in ("numbers", "pitch", "phase")}
            weights = weights[:, :width]
        if i == 0:
            weights = ((params["scale"] * params["mask"])[:, :, None] * weights)[:, :columns]
            bias = bias - np.einsum("i,kio->ko", params["center"][:columns], weights)
        found[f"w{i}"], found[f"b{i}"] = weights.astype(np.float32), bias.astype(np.float32)
    return found


def build_graph(parts: Sequence[Part], columns: int) -> bytes:
    """The serialised model; its answers lie side by side in the order of `parts`."""
    graph = _Graph()
    answers = [_answer(graph, part, columns) for part in parts]
    if len(answers) == 1:
        graph.node("Identity", answers, out=OUTPUT)
    else:
        graph.node("Concat", answers, out=OUTPUT, axis=1)
    x = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", columns])
    y = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows", sum(part.head.width for part in parts)])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "machine", [x], [y], graph.constants),
        opset_imports=[
            helper.make_opsetid("", OPSET),
            *([helper.make_opsetid(ML, ML_OPSET)] if graph.has_trees else []),
        ],
        ir_version=9,
        producer_name="titan",
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


class _Graph:
    """Nodes and constants under construction."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.has_trees = False

    def constant(self, value: NDArray[np.generic]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], *, out: str | None = None, **attributes: Any) -> str:
        name = out or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name


def _network(graph: _Graph, network: ServedNetwork) -> str:
    """(members, rows, answers): the first layer of all members is one product, the others one a member."""
    tensors = network.tensors
    w, b = tensors["w0"], tensors["b0"]
    members, columns, units = w.shape
    first = graph.constant(w.transpose(1, 0, 2).reshape(columns, members * units))
    h = graph.node("Gemm", [INPUT, first, graph.constant(b.reshape(members * units))])
    h = graph.node("Reshape", [h, graph.constant(np.array([-1, members, units], dtype=np.int64))])
    h = graph.node("Transpose", [h], perm=[1, 0, 2])
    if "waves" in tensors:
        h = graph.node("Add", [h, _waves(graph, tensors)])
    for i in range(1, sum(name.startswith("b") for name in tensors)):
        h = _activation(graph, h, network.activation)
        h = graph.node("MatMul", [h, graph.constant(tensors[f"w{i}"])])
        h = graph.node("Add", [h, graph.constant(tensors[f"b{i}"][:, None, :])])
    return h


def _waves(graph: _Graph, tensors: dict[str, Floats]) -> str:
    """(members, rows, units): each member's cosines of the numbers, through its part of the first layer."""
    pitch, phase, weights = tensors["pitch"], tensors["phase"], tensors["waves"]
    members, numbers, count = pitch.shape
    # One product makes all waves of all members: each number meets its own pitches only.
    spread = np.zeros((numbers, members, numbers, count), np.float32)
    spread[np.arange(numbers), :, np.arange(numbers)] = pitch.transpose(1, 0, 2)
    places = graph.constant(tensors["numbers"].astype(np.int64))
    x = graph.node("Gather", [INPUT, places], axis=1)
    waves = [x, graph.constant(spread.reshape(numbers, -1)), graph.constant(phase.reshape(-1))]
    h = graph.node("Cos", [graph.node("Gemm", waves)])
    h = graph.node("Reshape", [h, graph.constant(np.array([-1, members, numbers * count], dtype=np.int64))])
    return graph.node("MatMul", [graph.node("Transpose", [h], perm=[1, 0, 2]), graph.constant(weights)])


def _activation(graph: _Graph, h: str, name: str) -> str:
    if name == "mish":
        return graph.node("Mul", [h, graph.node("Tanh", [graph.node("Softplus", [h])])])
    return graph.node({"selu": "Selu", "relu": "Relu"}[name], [h])


def _trees(graph: _Graph, forest: Forest, head: Head) -> str:
    """(rows, answers): the sum of one leaf of each tree."""
    graph.has_trees = True
    is_leaf = forest.feature < 0
    place = _places_in_trees(forest)
    return graph.node(
        "TreeEnsembleRegressor",
        [INPUT],
        domain=ML,
        n_targets=head.width,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=forest.tree.tolist(),
        nodes_nodeids=place.tolist(),
        nodes_featureids=np.maximum(forest.feature, 0).tolist(),
        nodes_values=np.where(is_leaf, 0, forest.value).tolist(),
        nodes_modes=["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf],
        nodes_truenodeids=forest.left.tolist(),
        nodes_falsenodeids=forest.right.tolist(),
        target_treeids=forest.tree[is_leaf].tolist(),
        target_nodeids=place[is_leaf].tolist(),
        target_ids=forest.answer[is_leaf].tolist(),
        target_weights=forest.value[is_leaf].tolist(),
    )


def _places_in_trees(forest: Forest) -> NDArray[np.int64]:
    starts = np.searchsorted(forest.tree, np.arange(forest.tree_count))
    return np.arange(forest.node_count) - starts[forest.tree]


def _answer(graph: _Graph, part: Part, columns: int) -> str:
    blend, head = part.blend, part.head
    terms = []
    for learner in part.learners if blend.learners else ():
        terms.append(_share(graph, _learner(graph, learner, head), learner.share * blend.learners))
    if blend.linear:
        weights = graph.constant(part.linear.weights.astype(np.float32))
        intercept = graph.constant(part.linear.intercept.astype(np.float32))
        linear = graph.node("Gemm", [INPUT, weights, intercept])
        terms.append(_share(graph, _probabilities(graph, linear, head), blend.linear))
    if blend.constant or not terms:
        # Zero times the input keeps the number of rows when nothing else depends on it.
        nothing = graph.node("Gemm", [INPUT, graph.constant(np.zeros((columns, head.width), np.float32))])
        constant = graph.constant((blend.constant * part.constant).astype(np.float32))
        terms.append(graph.node("Add", [nothing, constant]))
    while len(terms) > 1:
        terms = [graph.node("Add", terms[:2]), *terms[2:]]
    return terms[0]


def _learner(graph: _Graph, learner: Served, head: Head) -> str:
    if isinstance(learner, ServedTrees):
        return _calibrated(graph, _trees(graph, learner.forest, head), learner.temperature, head)
    assert isinstance(learner, ServedNetwork)
    answers = _calibrated(graph, _network(graph, learner), learner.temperature, head)
    return graph.node("ReduceMean", [answers], axes=[0], keepdims=0)


def _calibrated(graph: _Graph, answers: str, temperature: float, head: Head) -> str:
    if head.is_label:
        answers = graph.node("Div", [answers, graph.constant(np.array(temperature, dtype=np.float32))])
    return _probabilities(graph, answers, head)


def _probabilities(graph: _Graph, answers: str, head: Head) -> str:
    return graph.node("Softmax", [answers], axis=-1) if head.is_label else answers


def _share(graph: _Graph, answers: str, share: float) -> str:
    if share == 1.0:
        return answers
    return graph.node("Mul", [answers, graph.constant(np.array(share, dtype=np.float32))])
