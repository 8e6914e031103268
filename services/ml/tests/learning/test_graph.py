"""The served graph: written for speed, it answers as the plain formulas do, however learners are put together."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.learning.blend import Blend
from ml.learning.encoding.encoder import Encoder
from ml.learning.ensemble import mixture
from ml.learning.graph import Part, ServedNetwork, build_graph
from ml.learning.linear import Linear
from ml.learning.network.losses import softmax
from ml.learning.network.shape import Head
from ml.learning.solver import Solver

Floats = NDArray[np.float32]
COLUMNS, WAVES, NUMBERS = 7, 3, np.array([0, 4])
ACTIVATIONS = {
    "selu": lambda h: 1.0507009873554805 * np.where(h > 0, h, 1.6732632423543772 * np.expm1(np.minimum(h, 0))),
    "mish": lambda h: h * np.tanh(np.logaddexp(h, 0)),
    "relu": lambda h: np.maximum(h, 0),
}


def weights(members: int, answers: int, *, waves: bool = False, size: float = 1.0, seed: int = 1) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    sizes = [COLUMNS, 16, 12, answers]
    found = {}
    for i, (inputs, units) in enumerate(pairwise(sizes)):
        found[f"w{i}"] = rng.normal(size=(members, inputs, units)) * size / np.sqrt(inputs)
        found[f"b{i}"] = rng.normal(size=(members, units))
    if waves:
        found |= {name: rng.normal(size=(members, NUMBERS.size, WAVES)) for name in ("pitch", "phase")}
        found |= {"waves": rng.normal(size=(members, NUMBERS.size * WAVES, 16)), "numbers": NUMBERS}
    return {name: value if name == "numbers" else value.astype(np.float32) for name, value in found.items()}


def plainly(tensors: dict[str, Floats], activation: str, x: Floats) -> NDArray[np.float64]:
    """(members, rows, answers), in doubles and formula by formula."""
    own = {name: value if name == "numbers" else value.astype(np.float64) for name, value in tensors.items()}
    h = x.astype(np.float64) @ own["w0"] + own["b0"][:, None]
    if "waves" in own:
        angles = x[None, :, own["numbers"], None] * own["pitch"][:, None] + own["phase"][:, None]
        h = h + np.cos(angles).reshape(len(h), len(x), -1) @ own["waves"]
    for i in (1, 2):
        h = ACTIVATIONS[activation](h) @ own[f"w{i}"] + own[f"b{i}"][:, None]
    return np.asarray(h)


def served(
    head: Head, learners: tuple[ServedNetwork, ...], share: float, x: Floats, *, product: bool = False
) -> Floats:
    linear = Linear(np.zeros((COLUMNS, head.width)), np.zeros(head.width))
    part = Part(head, learners, linear, np.full(head.width, 1.0), Blend(share, 0.0, 1 - share, {}), product)
    return Solver(Encoder((), ()), build_graph([part], COLUMNS)).answers(x)


@pytest.mark.parametrize("activation", ["selu", "mish", "relu"])
@pytest.mark.parametrize("width", [1, 3])
def test_learners_of_any_shape_share_as_if_each_were_asked_alone(activation: str, width: int) -> None:
    head = Head(width, "crossentropy" if width > 1 else "mse")
    x = np.random.default_rng(0).normal(size=(50, COLUMNS)).astype(np.float32)
    learners = (
        ServedNetwork("usual", 0.3, 1.5, weights(2, width), activation),
        ServedNetwork("other", 0.2, 0.7, weights(3, width, seed=2), activation),
        ServedNetwork("waves", 0.4, 1.1, weights(2, width, waves=True), activation),
        ServedNetwork("single, waves", 0.1, 1.0, weights(1, width, waves=True), "relu"),
    )
    expected = np.zeros((50, width))
    for one in learners:
        answers = plainly(one.tensors, one.activation, x)
        each = softmax(answers / one.temperature) if width > 1 else answers
        expected += 0.9 * one.share * each.mean(axis=0)
    np.testing.assert_allclose(served(head, learners, 0.9, x), expected + 0.1, atol=3e-6, rtol=1e-5)


@pytest.mark.parametrize("size", [1.0, 30.0])
def test_a_product_is_of_what_each_learner_says_on_average_and_rules_nothing_out(size: float) -> None:
    x = np.random.default_rng(0).normal(size=(50, COLUMNS)).astype(np.float32)
    learners = (
        ServedNetwork("usual", 0.3, 1.5, weights(2, 3, size=size), "selu"),
        ServedNetwork("other", 0.2, 0.7, weights(2, 3, seed=2, size=size), "selu"),
        ServedNetwork("more members", 0.2, 1.0, weights(3, 3, seed=3), "selu"),
        ServedNetwork("waves", 0.2, 1.1, weights(2, 3, waves=True), "selu"),
        ServedNetwork("single", 0.1, 1.0, weights(1, 3, seed=4), "relu"),
    )
    each = [softmax(plainly(one.tensors, one.activation, x) / one.temperature).mean(axis=0) for one in learners]
    together = mixture(each, [one.share for one in learners], product=True)
    found = served(Head(3, "crossentropy"), learners, 0.9, x, product=True)
    np.testing.assert_allclose(found, 0.9 * together + 0.1, atol=1e-5)
    bare = np.prod([np.maximum(p, 1e-7) ** one.share for p, one in zip(each, learners, strict=True)], axis=0)
    np.testing.assert_allclose(together, bare / bare.sum(axis=1, keepdims=True), rtol=1e-9)


@pytest.mark.parametrize("activation", ["selu", "mish"])
@pytest.mark.parametrize("members", [1, 2])
def test_activations_hold_far_out(activation: str, members: int) -> None:
    x = np.random.default_rng(0).normal(size=(200, COLUMNS)).astype(np.float32)
    tensors = weights(members, 1, size=60.0)
    expected = plainly(tensors, activation, x).mean(axis=0)
    found = served(Head(1, "mse"), (ServedNetwork("far", 1.0, 1.0, tensors, activation),), 1.0, x)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


def test_learners_of_one_shape_are_one_product_a_layer() -> None:
    import onnx

    learners = tuple(ServedNetwork(str(seed), 0.5, 1.0, weights(2, 1, seed=seed), "selu") for seed in (1, 2))
    linear = Linear(np.zeros((COLUMNS, 1)), np.zeros(1))
    part = Part(Head(1, "mse"), learners, linear, np.zeros(1), Blend(1.0, 0.0, 0.0, {}))
    kinds = [node.op_type for node in onnx.load_from_string(build_graph([part], COLUMNS)).graph.node]
    assert kinds.count("Gemm") + kinds.count("MatMul") == 3
