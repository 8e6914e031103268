"""The network's parts: the served graph answers as the trained members do, losses agree, the linear model is right."""

from __future__ import annotations

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ml.learning.blend import (
    LINES_FOR_CERTAINTY,
    TEMPERATURES,
    blend_labels,
    blend_numbers,
    expected_error,
    intervals,
    temperature_of,
)
from ml.learning.encoding.encoder import Encoder
from ml.learning.graph import Part, ServedNetwork, build_graph, tensors_of
from ml.learning.linear import Linear, fit_linear
from ml.learning.network import losses
from ml.learning.network.fold import Fold
from ml.learning.network.losses import softmax
from ml.learning.network.members import Feeder, first_params
from ml.learning.network.shape import Head, HeadLoss, NetworkShape, Optimizer, recipe_for
from ml.learning.network.steps import answers, lent_zeros
from ml.learning.network.train import Pace, answers_on, train_members
from ml.learning.solver import Solver

RNG = np.random.default_rng(3)
LABEL, NUMBER = Head(3, "crossentropy"), Head(1, "mse")


def material(lines: int = 300) -> tuple[np.ndarray, np.ndarray]:
    x = RNG.normal(size=(lines, 11)).astype(np.float32)
    label = (x[:, 0] > 0).astype(float) + (x[:, 1] > 0)
    return x, np.stack([label, x[:, 2] * 2 + x[:, 3]], axis=1).astype(np.float32)


@pytest.mark.parametrize("activation", ["selu", "mish", "relu"])
@pytest.mark.parametrize("members", [1, 2])
def test_the_served_graph_answers_as_the_members_do(activation: str, members: int) -> None:
    x, y = material()
    folds = [Fold(np.arange(60, 300), np.arange(60)), Fold(np.arange(240), np.arange(240, 300))][:members]
    networks, own = [], []
    for i, head in enumerate((LABEL, NUMBER)):
        recipe = recipe_for(NetworkShape((16, 16), activation), head, optimizer="adamw", steps=50, learning_lines=240)
        trained = train_members(x, y[:, i], folds, head, recipe, seed=1)
        own.append(answers_on(trained.params, x, [np.arange(300)] * members, recipe))
        networks.append((tensors_of(trained.params, 11), recipe.activation))
    temperature = temperature_of(own[0][0], y[:, 0].astype(int))
    mixed = softmax(own[0][0] / temperature)
    label = blend_labels(mixed, own[0][0], np.full(3, 1 / 3), y[:, 0].astype(int), LABEL)
    number = blend_numbers(own[1][0][:, 0], y[:, 1] * 0.9, y[:, 1], NUMBER)
    parts = [
        Part(
            LABEL,
            (ServedNetwork("label", 1.0, temperature, *networks[0]),),
            Linear(RNG.normal(size=(11, 3)), np.ones(3)),
            np.full(3, 1 / 3),
            label,
        ),
        Part(
            NUMBER,
            (ServedNetwork("number", 1.0, 1.0, *networks[1]),),
            Linear(RNG.normal(size=(11, 1)), np.ones(1)),
            np.zeros(1),
            number,
        ),
    ]
    served = Solver(Encoder((), ()), build_graph(parts, 11)).answers(x)
    p = np.mean([softmax(logits / temperature) for logits in own[0]], axis=0)
    linear = [part.linear.answers(x) for part in parts]
    expected = np.concatenate(
        [
            label.learners * p + label.linear * softmax(linear[0]) + label.constant / 3,
            number.learners * np.mean(own[1], axis=0) + number.linear * linear[1],
        ],
        axis=1,
    )
    np.testing.assert_allclose(served, expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_every_optimizer_remembers_zeros_at_first(optimizer: Optimizer) -> None:
    import jax

    from ml.learning.network.steps import first_state, transformation

    recipe = recipe_for(NetworkShape(), NUMBER, optimizer=optimizer, steps=50, learning_lines=240)
    params = {"w0": jax.numpy.ones((2, 3, 4)), "b0": jax.numpy.ones((2, 4))}
    own, plain = first_state(recipe, params), transformation(recipe).init(params)
    assert jax.tree.structure(own) == jax.tree.structure(plain)
    for found, expected in zip(jax.tree.leaves(own), jax.tree.leaves(plain), strict=True):
        assert (found.dtype, found.weak_type) == (expected.dtype, expected.weak_type)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("lines", "own"), [(800, False), (3000, True)])
def test_members_watched_on_few_lines_stop_at_one_step(lines: int, own: bool) -> None:
    rng = np.random.default_rng(5)
    x = rng.standard_normal((lines, 6)).astype(np.float32)
    y = (x[:, 0] + rng.standard_normal(lines)).astype(np.float32)
    parts = np.array_split(np.arange(lines), 4)
    folds = [Fold(np.concatenate([part for part in parts if part is not watch]), watch) for watch in parts]
    shape = NetworkShape((32, 32), "mish")
    recipe = recipe_for(shape, NUMBER, optimizer="adamw", steps=400, learning_lines=lines)

    trained = train_members(x, y, folds, NUMBER, recipe, seed=1)

    assert (len(set(trained.best_steps)) > 1) is own


def test_a_machine_that_is_all_constant_can_be_served() -> None:
    x, _ = material(5)
    blend = blend_numbers(RNG.normal(size=4000) * 9, RNG.normal(size=4000) * 9, RNG.normal(size=4000), NUMBER)
    part = Part(NUMBER, (), Linear(np.ones((11, 1)), np.ones(1)), np.zeros(1), blend)
    assert blend.constant == 1.0
    assert Solver(Encoder((), ()), build_graph([part], 11)).answers(x).tolist() == [[0.0]] * 5


@pytest.mark.parametrize("loss", ["crossentropy", "brier", "mse", "mae"])
def test_losses_agree_between_the_compiled_and_the_plain_form(loss: HeadLoss) -> None:
    from ml.learning.network.steps import loss_of

    is_label = loss in ("crossentropy", "brier")
    head = Head(3 if is_label else 1, loss)
    y = material(50)[1][:, 0 if is_label else 1]
    answers = RNG.normal(size=(50, head.width)).astype(np.float32)
    assert losses.mean_loss(answers, y, head) == pytest.approx(
        float(loss_of(answers[None], y[None], head)[0]), rel=1e-5
    )


def test_every_line_is_fed_once_a_round_and_any_step_can_be_asked_again() -> None:
    feeder = Feeder([np.arange(10, 110)], 20, seed=4)
    first = feeder.lines(0, 5)
    assert sorted(first.ravel()) == list(range(10, 110))
    feeder.lines(5, 20)
    assert (feeder.lines(0, 5) == first).all()


def test_the_plan_shrinks_to_the_steps_there_is_time_for() -> None:
    now = iter([0.0, 2.0, 4.0, 6.0])
    pace = Pace(deadline=10.0, clock=lambda: next(now))
    assert pace.steps_within(25, 1000, 25) == 1000
    # 25 steps in 2 s leave time for 90 of the next 100 (a tenth is kept back), in whole chunks.
    assert pace.steps_within(50, 1000, 25) == 50 + 75
    assert pace.steps_within(75, 125, 25) == 125


def test_without_a_limit_the_plan_stays() -> None:
    assert Pace(None, lambda: 1e9).steps_within(25, 1000, 25) == 1000


def test_logistic_regression_is_at_its_optimum() -> None:
    x, y = material(400)
    found = fit_linear(x, y[:, 0], Head(3, "crossentropy"))
    off = softmax(found.answers(x)) - np.eye(3)[y[:, 0].astype(int)]
    gradient = x.T @ off + found.weights
    assert np.abs(gradient).max() < 0.02 * len(x)
    assert np.abs(off.sum(axis=0)).max() < 0.02 * len(x)


def test_ridge_regression_is_at_its_optimum() -> None:
    x, y = material(400)
    found = fit_linear(x, y[:, 1], Head(1, "mse"))
    held = x - x.mean(axis=0)
    off = found.answers(x)[:, 0] - y[:, 1]
    assert np.abs(held.T @ off + found.weights[:, 0]).max() < 1e-3


def test_with_many_lines_the_better_part_takes_all() -> None:
    codes = RNG.integers(0, 2, 5000)
    sure = np.eye(2)[codes] * 4
    blend = blend_labels(softmax(sure), RNG.normal(size=(5000, 2)), np.full(2, 0.5), codes, Head(2, "crossentropy"))
    assert blend.learners > 0.97


def test_with_few_lines_parts_that_cannot_be_told_apart_share() -> None:
    codes = np.arange(30) % 2
    right = np.eye(2)[codes] * 3
    blend = blend_labels(softmax(right), right, np.full(2, 0.5), codes, Head(2, "crossentropy"))
    assert blend.learners == pytest.approx(blend.linear, abs=0.02)


@pytest.mark.parametrize("lines", [20, 100, 500])
@pytest.mark.parametrize("labels", [2, 3])
def test_who_was_right_about_all_lines_is_as_certain_as_so_many_lines_show(lines: int, labels: int) -> None:
    codes = RNG.integers(0, labels, lines)
    surely_right = 15.0 * np.eye(labels)[codes]
    said = softmax(surely_right / temperature_of(surely_right, codes))[np.arange(lines), codes]
    assert 1 - said.mean() == pytest.approx(1 / (lines + 2), rel=0.3)


def test_with_many_lines_the_temperature_is_what_they_show() -> None:
    logits = RNG.normal(size=(20_000, 3)) * 3
    codes = np.array([RNG.choice(3, p=p) for p in softmax(logits / 1.5)])
    assert temperature_of(logits, codes) == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize("labels", [2, 5])
@pytest.mark.parametrize("lines", [60, 3000])
@pytest.mark.parametrize("certainty", [0.3, 1.0, 4.0, 20.0])
def test_no_temperature_of_all_would_err_less(labels: int, lines: int, certainty: float) -> None:
    rng = np.random.default_rng([labels, lines])
    codes = rng.integers(0, labels, lines)
    logits = (rng.normal(size=(lines, labels)) + 2 * np.eye(labels)[codes]) * certainty
    choices = TEMPERATURES if lines >= LINES_FOR_CERTAINTY else TEMPERATURES[TEMPERATURES >= 1.0]
    errors = {t: expected_error(logits / t, codes, 1 / (lines + 2)) for t in choices}
    assert temperature_of(logits, codes) == min(errors, key=errors.__getitem__)


@pytest.mark.parametrize("waves", [0, 3])
def test_the_first_layer_is_of_centred_and_scaled_columns_and_learns_as_such(waves: int) -> None:
    x = RNG.normal(size=(2, 40, 16)).astype(np.float32)
    recipe = replace(recipe_for(NetworkShape((8,)), NUMBER, optimizer="adam", steps=50, learning_lines=40), waves=waves)
    folds = [np.arange(40), np.arange(20, 60)]
    first = first_params(x.reshape(-1, 16), folds, NUMBER, [recipe] * 2, None, np.array([1, 4]), seed=0)
    params = {name: value + 0.1 if value.ndim > 1 else value for name, value in first.items()}

    def by_hand(scale: jax.Array) -> jax.Array:
        seen = (x - params["center"]) * (scale * params["mask"])[:, None, :]
        if waves:
            cosines = jnp.cos(x[..., [1, 4], None] * params["pitch"][:, None] + params["phase"][:, None])
            seen = jnp.concatenate([seen, cosines.reshape(2, 40, -1)], axis=-1)
        h = jax.nn.relu(jnp.einsum("kbi,kio->kbo", seen, params["w0"]) * params["fan0"] + params["b0"][:, None])
        return jnp.einsum("kbi,kio->kbo", h, params["w1"]) * params["fan1"] + params["b1"][:, None]

    relu = replace(recipe, activation="relu")
    np.testing.assert_allclose(answers(params, x, relu), by_hand(params["scale"]), atol=1e-5)
    learnt = jax.grad(lambda scale: (answers({**params, "scale": scale}, x, relu) ** 2).sum())(params["scale"])
    meant = jax.grad(lambda scale: (by_hand(scale) ** 2).sum())(params["scale"])
    np.testing.assert_allclose(learnt, meant, rtol=1e-3, atol=1e-3)


def test_lent_memory_is_read_where_it_lies() -> None:
    lent = lent_zeros((3, 5, 7))
    assert not lent.any()
    taken = jax.device_put(lent, jax.devices("cpu")[0])
    assert taken.unsafe_buffer_pointer() == lent.ctypes.data


def test_intervals_hold_nine_in_ten() -> None:
    values = RNG.uniform(0, 10, 4000)
    true = values + RNG.normal(size=4000) * (1 + values)
    table = np.array(intervals(values, true))
    fresh = RNG.uniform(0, 10, 4000)
    off = RNG.normal(size=4000) * (1 + fresh)
    place = np.minimum(np.searchsorted(table[:, 0], fresh), len(table) - 1)
    held = (off >= table[place, 1]) & (off <= table[place, 2])
    assert held.mean() == pytest.approx(0.9, abs=0.02)
    assert held[fresh < 2].mean() == pytest.approx(0.9, abs=0.05)


def test_encoder_json_is_plain_json(trained) -> None:  # type: ignore[no-untyped-def]
    found = json.loads((trained.folder / "encoder.json").read_bytes())
    assert (found["version"], {entry["kind"] for entry in found["inputs"]}) == (
        1,
        {"number", "label", "moment"},
    )
