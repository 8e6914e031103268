"""The trained machine as an ONNX graph, built by hand: encoded columns in, calibrated answers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ml.learning.blend import Blend
from ml.learning.graph_networks import INPUT, Floats, Networks, Nodes, Said, logs
from ml.learning.linear import Linear
from ml.learning.network.shape import Head
from ml.learning.trees.forest import Forest

OPSET = 17
ML, ML_OPSET = "ai.onnx.ml", 3
OUTPUT = "answers"


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

    @property
    def members(self) -> int:
        return len(self.tensors["w0"])

    @property
    def kind(self) -> tuple[Any, ...]:
        """Networks of one kind differ in the values of their weights alone."""
        own = {name: value.shape if name == "numbers" else value.shape[1:] for name, value in self.tensors.items()}
        return self.activation, *sorted(own.items())

    def calibrated(self, head: Head) -> dict[str, Floats]:
        """The weights, the last ones with the temperature in them."""
        last = str(sum(name.startswith("b") for name in self.tensors) - 1)
        of_label = self.temperature if head.is_label else 1.0
        changed = {name: (self.tensors[name] / of_label).astype(np.float32) for name in (f"w{last}", f"b{last}")}
        return {**self.tensors, **changed}


@dataclass(frozen=True, slots=True)
class ServedTrees(Served):
    """Its trees, all folds' together."""

    forest: Forest


@dataclass(frozen=True, slots=True)
class ServedKernel(Served):
    """A kernel machine: centers (bells, columns), seen (columns), weights (bells, answers), linear, intercept."""

    tensors: dict[str, Floats]
    sharpness: float


@dataclass(frozen=True, slots=True)
class Part:
    """One output of the machine: the learners, the linear member on all encoded columns, the constant, and the shares
    of these three. With `product` the learners' probabilities are multiplied, each to the power of its share."""

    head: Head
    learners: tuple[Served, ...]
    linear: Linear
    constant: NDArray[np.float64]
    blend: Blend
    product: bool = False


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
    if len(answers) > 1:
        graph.node("Concat", answers, axis=1)
    graph.nodes[-1].output[0] = OUTPUT
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


class _Graph(Nodes):
    has_trees = False


def _trees(graph: _Graph, trees: ServedTrees, head: Head) -> str:
    """(rows, answers): the sum of one leaf of each tree, in which the temperature of labels is."""
    graph.has_trees = True
    forest, temperature = trees.forest, trees.temperature if head.is_label else 1.0
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
        target_weights=(forest.value[is_leaf] / temperature).tolist(),
    )


def _kernel(graph: _Graph, kernel: ServedKernel, head: Head) -> str:
    """(rows, answers): a bell is e to the -sharpness (x^2 + center^2 - 2 x center), of the columns it sees."""
    own, sharpness, temperature = kernel.tensors, kernel.sharpness, kernel.temperature if head.is_label else 1.0
    near = graph.constant((2 * sharpness * own["centers"].T).astype(np.float32))
    far = graph.constant((-sharpness * (own["centers"] ** 2).sum(axis=1)).astype(np.float32))
    squares = graph.constant((-sharpness * own["seen"])[:, None].astype(np.float32))
    lengths = graph.node("MatMul", [graph.node("Mul", [INPUT, INPUT]), squares])
    # Rounding may leave a little more than 0, of which nothing can come.
    exponent = graph.node("Add", [graph.node("Gemm", [INPUT, near, far]), lengths])
    bells = graph.node("Exp", [graph.node("Clip", [exponent, "", graph.scalar(0.0)])])
    of_label = {name: graph.constant((own[name] / temperature).astype(np.float32)) for name in _KERNEL_TABLES}
    linear = graph.node("Gemm", [INPUT, of_label["linear"], of_label["intercept"]])
    return graph.node("Gemm", [bells, of_label["weights"], linear])


_KERNEL_TABLES = ("weights", "linear", "intercept")


def _places_in_trees(forest: Forest) -> NDArray[np.int64]:
    starts = np.searchsorted(forest.tree, np.arange(forest.tree_count))
    return np.arange(forest.node_count) - starts[forest.tree]


def _answer(graph: _Graph, part: Part, columns: int) -> str:
    blend, head = part.blend, part.head
    terms = _learners(graph, part) if blend.learners else []
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
    return terms[0] if len(terms) == 1 else graph.node("Sum", terms)


def _learners(graph: _Graph, part: Part) -> list[str]:
    """What they answer, each with its share of the whole; of a product it is one answer."""
    if not part.product:
        return _shared(graph, part, part.blend.learners)
    terms = _shared(graph, part, 1.0)
    together = terms[0] if len(terms) == 1 else graph.node("Sum", terms)
    return [_share(graph, _probabilities(graph, together, part.head), part.blend.learners)]


def _shared(graph: _Graph, part: Part, whole: float) -> list[str]:
    """Their shares of `whole` of what they say: networks of one shape as one, whatever learner they are of."""
    terms, alike = [], dict[tuple[Any, ...], list[ServedNetwork]]()
    for learner in part.learners:
        if isinstance(learner, ServedTrees | ServedKernel):
            if isinstance(learner, ServedTrees):
                raw = _trees(graph, learner, part.head)
            else:
                raw = _kernel(graph, learner, part.head)
            answers = _probabilities(graph, raw, part.head)
            answers = logs(graph, answers) if part.product else answers
            terms.append(_share(graph, answers, learner.share * whole))
        else:
            assert isinstance(learner, ServedNetwork)
            alike.setdefault((learner.kind, part.product and learner.members), []).append(learner)
    return terms + [_together(learners, part, whole).answers(graph) for learners in alike.values()]


def _together(learners: Sequence[ServedNetwork], part: Part, whole: float) -> Networks:
    members = learners[0].members
    shares = np.concatenate([np.full(one.members, one.share * whole / one.members) for one in learners])
    tensors = [one.calibrated(part.head) for one in learners]
    # Which columns are numbers is the same to all members.
    joined = {
        name: value if name == "numbers" else np.concatenate([own[name] for own in tensors])
        for name, value in tensors[0].items()
    }
    said: Said = "numbers" if not part.head.is_label else "logs" if part.product else "probabilities"
    return Networks(joined, learners[0].activation, shares.astype(np.float32), said, members)


def _probabilities(graph: _Graph, answers: str, head: Head) -> str:
    return graph.node("Softmax", [answers], axis=-1) if head.is_label else answers


def _share(graph: _Graph, answers: str, share: float) -> str:
    return answers if share == 1.0 else graph.node("Mul", [answers, graph.scalar(share)])
