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
from ml.learning.network.shape import Head, Recipe

OPSET = 17
INPUT, OUTPUT = "x", "answers"
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Part:
    """One output of the machine: the linear member on all encoded columns, the constant, and their shares."""

    head: Head
    linear: Linear
    constant: NDArray[np.float64]
    blend: Blend


@dataclass(frozen=True, slots=True)
class Network:
    """The members of one output, as plain weights."""

    tensors: dict[str, Floats]
    recipe: Recipe


def tensors_of(params: dict[str, Floats], columns: int) -> dict[str, Floats]:
    """The network with its centring, scaling and NTK factors folded into plain weights, padding cut off."""
    layers = sum(name.startswith("w") for name in params)
    found: dict[str, Floats] = {}
    for i in range(layers):
        weights = params[f"w{i}"] * params[f"fan{i}"]
        bias = params[f"b{i}"]
        if i == 0:
            weights = (params["scale"][:, :, None] * weights)[:, :columns]
            bias = bias - np.einsum("i,kio->ko", params["center"][:columns], weights)
        found[f"w{i}"], found[f"b{i}"] = weights.astype(np.float32), bias.astype(np.float32)
    return found


def build_graph(networks: Sequence[Network], parts: Sequence[Part], columns: int) -> bytes:
    """The serialised model; its answers lie side by side in the order of `parts`, each with its own network."""
    graph = _Graph()
    answers = [_answer(graph, part, network, columns) for network, part in zip(networks, parts, strict=True)]
    if len(answers) == 1:
        graph.node("Identity", answers, out=OUTPUT)
    else:
        graph.node("Concat", answers, out=OUTPUT, axis=1)
    x = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", columns])
    y = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows", sum(part.head.width for part in parts)])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "machine", [x], [y], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
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

    def constant(self, value: NDArray[np.generic]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], *, out: str | None = None, **attributes: Any) -> str:
        name = out or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name


def _network(graph: _Graph, network: Network) -> str:
    """(members, rows, answers): the first layer of all members is one product, the others one a member."""
    tensors, recipe = network.tensors, network.recipe
    w, b = tensors["w0"], tensors["b0"]
    members, columns, units = w.shape
    first = graph.constant(w.transpose(1, 0, 2).reshape(columns, members * units))
    h = graph.node("Gemm", [INPUT, first, graph.constant(b.reshape(members * units))])
    h = graph.node("Reshape", [h, graph.constant(np.array([-1, members, units], dtype=np.int64))])
    h = graph.node("Transpose", [h], perm=[1, 0, 2])
    for i in range(1, len(recipe.hidden) + 1):
        h = _activation(graph, h, recipe.activation)
        h = graph.node("MatMul", [h, graph.constant(tensors[f"w{i}"])])
        h = graph.node("Add", [h, graph.constant(tensors[f"b{i}"][:, None, :])])
    return h


def _activation(graph: _Graph, h: str, name: str) -> str:
    if name == "mish":
        return graph.node("Mul", [h, graph.node("Tanh", [graph.node("Softplus", [h])])])
    return graph.node({"selu": "Selu", "relu": "Relu"}[name], [h])


def _answer(graph: _Graph, part: Part, network: Network, columns: int) -> str:
    terms = []
    blend, head = part.blend, part.head
    if blend.network:
        terms.append(_share(graph, _members_mean(graph, _network(graph, network), part), blend.network))
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


def _members_mean(graph: _Graph, answers: str, part: Part) -> str:
    if part.head.is_label:
        answers = graph.node("Div", [answers, graph.constant(np.array(part.blend.temperature, dtype=np.float32))])
    return graph.node("ReduceMean", [_probabilities(graph, answers, part.head)], axes=[0], keepdims=0)


def _probabilities(graph: _Graph, answers: str, head: Head) -> str:
    return graph.node("Softmax", [answers], axis=-1) if head.is_label else answers


def _share(graph: _Graph, answers: str, share: float) -> str:
    if share == 1.0:
        return answers
    return graph.node("Mul", [answers, graph.constant(np.array(share, dtype=np.float32))])
