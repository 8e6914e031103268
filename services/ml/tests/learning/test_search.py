"""Levels 3 to 5: what is searched, what is blended, what is served, and that it ends well however it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load

from ml.learning import levels, scores
from ml.learning.blend import Blend
from ml.learning.columns.infer import ColumnType
from ml.learning.course import Course
from ml.learning.encoding.encoder import Encoder
from ml.learning.ensemble import mixture, put_together, rounded, shares_of
from ml.learning.graph import Part, ServedNetwork, ServedTrees, build_graph, tensors_of
from ml.learning.learners import folds_to_compare
from ml.learning.levels import Level, Search
from ml.learning.linear import Linear
from ml.learning.network.fold import Fold
from ml.learning.network.losses import label_errors, softmax
from ml.learning.network.shape import Head, NetworkShape, recipe_for
from ml.learning.network.train import answers_on, train_members
from ml.learning.plan import TrainingPlan
from ml.learning.progress import Progress
from ml.learning.solver import Solver
from ml.learning.store import read_model
from ml.learning.trees import settings as trees
from ml.learning.trees.forest import as_many_as_fit, forest_of
from ml.learning.trees.grow import grow
from ml.learning.trees.settings import TRIED
from ml.learning.variations import USUAL, VARIATIONS
from ml.tests.learning.conftest import Learn, flats

RNG = np.random.default_rng(8)
SMALL = Level(5, 2, 2, 50, Search(((3, 25), (2, 50)), 1, 50, trees=2, trees_kept=1, kernel=True, twice=True))
DEAR = TrainingPlan(("is_dear",), ignore=("price",), seed=1, level=5)


@pytest.fixture
def small_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Level 5 with the same stages, but seconds long."""
    monkeypatch.setitem(levels.LEVELS, 5, SMALL)


def lines(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    x = RNG.normal(size=(count, 7)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] + 0.1 * x[:, 2]).astype(np.float32)


def test_trees_of_many_classes_grow_fewer_rounds_of_a_higher_rate_and_fewer_leaves() -> None:
    two, some, many = (trees.fitted_to(TRIED[0], lines=10_000, classes=classes) for classes in (2, 9, 40))
    assert (two.leaves, two.rounds, two.rate) == (31, 1935, TRIED[0].rate)
    assert (some.leaves, some.rounds) == (31, 215)
    assert (many.leaves, many.rounds, many.rate) == (15, 100, 0.2)


def test_a_wide_table_gets_shorter_networks_or_none_beside_the_usual_ones_at_level_3() -> None:
    narrow, usual, wide, widest = (
        levels.within_work(levels.LEVELS[3], columns=columns, batch=256).search for columns in (250, 500, 600, 2000)
    )
    assert narrow == levels.LEVELS[3].search
    assert usual is not None
    assert usual == replace(levels.LEVELS[3].search, steps=900)
    assert wide is not None
    assert (wide.rungs, wide.kept, wide.trees, wide.kernel) == ((), 0, 1, True)
    assert widest == wide
    assert levels.within_work(levels.LEVELS[5], columns=5000, batch=256) == levels.LEVELS[5]


def test_with_few_lines_what_is_tried_is_compared_on_several_folds() -> None:
    def folds(watched: int) -> list[Fold]:
        return [Fold(np.arange(9), np.arange(watched)) for _ in range(5)]

    assert [folds_to_compare(folds(watched)) for watched in (50, 300, 500, 999, 1000, 9000)] == [5, 4, 2, 2, 1, 1]


def test_with_few_lines_a_leaf_may_be_small() -> None:
    assert trees.fitted_to(TRIED[0], lines=200, classes=2).least_lines == 4


def test_a_forest_that_is_too_large_keeps_fewer_folds() -> None:
    text = "Tree=0\nnum_leaves=60000\n"
    assert len(as_many_as_fit([text] * 5)) == 3
    assert len(as_many_as_fit([text * 9] * 5)) == 1


@pytest.mark.parametrize("width", [1, 2, 4])
def test_served_trees_answer_as_they_were_grown(width: int) -> None:
    import lightgbm

    x, y = lines()
    if width > 1:
        y = np.digitize(y, np.quantile(y, np.linspace(0, 1, width + 1)[1:-1])).astype(np.float32)
    head = Head(width, "crossentropy" if width > 1 else "mse")
    folds = [Fold(np.arange(100, 400), np.arange(100)), Fold(np.arange(300), np.arange(300, 400))]
    kinds = [replace(TRIED[0], rounds=rounds) for rounds in (31, 20)]
    texts = [grow(x[:, 2:5], y, fold, head, own, seed=1).text for fold, own in zip(folds, kinds, strict=True)]
    forest = forest_of(texts, np.array([2, 3, 4]), width)
    part = Part(head, (ServedTrees("trees", 1.0, 1.5, forest),), Linear(np.zeros((7, width)), np.zeros(width)),
                np.zeros(width), Blend(1.0, 0.0, 0.0, {}))  # fmt: skip
    raw = np.mean([lightgbm.Booster(model_str=t).predict(x[:, 2:5], raw_score=True) for t in texts], axis=0)
    expected = raw[:, None] if width == 1 else raw
    if width == 2:
        expected = np.stack([np.zeros_like(raw), raw], axis=1)
    served = Solver(Encoder((), ()), build_graph([part], 7)).answers(x)
    np.testing.assert_allclose(served, softmax(expected / 1.5) if width > 1 else expected, atol=1e-5)


def test_a_network_with_waves_and_masks_is_served_as_it_was_trained() -> None:
    x, y = lines()
    folds = [Fold(np.arange(100, 400), np.arange(100)), Fold(np.arange(300), np.arange(300, 400))]
    head = Head(1, "mse")
    usual = recipe_for(NetworkShape((16, 16)), head, optimizer="adamw", steps=50, learning_lines=300)
    recipe = replace(usual, waves=3)
    masks = np.ones((2, 7), np.float32)
    masks[:, 5] = 0.0
    members = train_members(x, y, folds, head, recipe, seed=1, masks=masks, numbers=np.array([0, 1, 6]))
    tensors = tensors_of(members.params, 7)
    part = Part(head, (ServedNetwork("network", 1.0, 1.0, tensors, "mish"),), Linear(np.zeros((7, 1)), np.zeros(1)),
                np.zeros(1), Blend(1.0, 0.0, 0.0, {}))  # fmt: skip
    served = Solver(Encoder((), ()), build_graph([part], 7)).answers(x)
    own = np.mean(answers_on(members.params, x, [np.arange(400)] * 2, recipe), axis=0)
    np.testing.assert_allclose(served, own, atol=2e-5, rtol=1e-4)
    unseen = x.copy()
    unseen[:, 5] = 9.0
    again = Solver(Encoder((), ()), build_graph([part], 7)).answers(unseen)
    np.testing.assert_allclose(again, served, atol=1e-5)


def test_members_with_recipes_of_their_own_learn_as_they_would_alone() -> None:
    x, y = lines()
    fold, head = Fold(np.arange(100, 400), np.arange(100)), Head(1, "mse")
    usual = recipe_for(NetworkShape((16,)), head, optimizer="adamw", steps=50, learning_lines=300)
    slow = replace(usual, learning_rate=usual.learning_rate / 4, dropout=0.4, weight_decay=0.3)
    together = train_members(x, y, [fold, fold], head, [usual, slow], seed=3)
    alone = train_members(x, y, [fold, fold], head, [usual, usual], seed=3)
    np.testing.assert_allclose(together.params["w0"][0], alone.params["w0"][0], rtol=1e-4, atol=1e-6)
    assert np.abs(together.params["w0"][1] - alone.params["w0"][1]).max() > 0.01


def test_the_learner_that_is_right_takes_nearly_all() -> None:
    codes = RNG.integers(0, 2, 4000).astype(float)
    right = np.where(np.eye(2)[codes.astype(int)] > 0, 0.9, 0.1)
    shares = shares_of([np.full((4000, 2), 0.5), right], codes, Head(2, "crossentropy"), 0)
    assert shares[1] > 0.9
    assert sum(shares) == pytest.approx(1.0)


def seen_by(codes: np.ndarray, noise: float) -> np.ndarray:
    """What one rightly says of three labels who sees them through noise of his own."""
    seen = np.eye(3)[codes] + noise * RNG.normal(size=(len(codes), 3))
    return softmax(seen / noise**2)


def test_learners_that_know_different_things_are_surer_together_and_as_right() -> None:
    codes = RNG.integers(0, 3, 6000)
    watched, unseen = ([seen_by(part, noise) for noise in (0.6, 0.8)] for part in (codes[:3000], codes[3000:]))
    errors = {}
    for product in (False, True):
        head = Head(3, "crossentropy")
        shares = shares_of(watched, codes[:3000].astype(float), head, 0, product=product)
        assert min(shares) > 0.1
        said = mixture(unseen, shares, product=product)
        errors[product] = label_errors(said, codes[3000:], "crossentropy").mean()
    assert errors[True] < errors[False] - 0.005
    assert put_together(watched, codes[:3000].astype(float), head, 0) == (shares, True)


def test_where_only_one_is_ever_right_what_learners_say_is_added() -> None:
    codes = RNG.integers(0, 3, 3000)
    # The two others are sure of the same wrong label.
    said = [np.eye(3)[np.where(np.arange(3000) % 3 == own, codes, (codes + 1) % 3)] * 0.97 + 0.01 for own in range(3)]
    _, product = put_together(said, codes.astype(float), Head(3, "crossentropy"), 0)
    assert not product


@pytest.mark.parametrize("loss", ["crossentropy", "brier"])
def test_in_a_product_a_learner_that_is_surely_wrong_gets_nothing(loss: str) -> None:
    codes = RNG.integers(0, 3, 2000)
    right, wrong = seen_by(codes, 0.6), np.eye(3)[(codes + 1) % 3]
    head = Head(3, loss)  # type: ignore[arg-type]
    assert shares_of([right, wrong], codes.astype(float), head, 0, product=True) == [1.0, 0.0]
    assert np.isfinite(label_errors(mixture([right, wrong], [0.9, 0.1], product=True), codes, "crossentropy")).all()


@pytest.mark.parametrize("loss", ["mse", "mae"])
def test_learners_with_errors_of_their_own_share(loss: str) -> None:
    true = RNG.normal(size=3000)
    answers = [true[:, None] + RNG.normal(size=(3000, 1)) for _ in range(2)]
    first, second = shares_of(answers, true, Head(1, loss), 0)  # type: ignore[arg-type]
    assert first == pytest.approx(0.5, abs=0.1)
    mixed = first * answers[0] + second * answers[1]
    assert np.mean((mixed[:, 0] - true) ** 2) < 0.6 * np.mean((answers[0][:, 0] - true) ** 2)


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=12))
def test_rounded_shares_are_one_together_and_none_is_below_nothing(drawn: list[float]) -> None:
    shares = rounded(np.array(drawn) / sum(drawn))
    assert sum(shares) == pytest.approx(1.0, abs=1e-12)
    assert min(shares) >= 0
    assert shares == pytest.approx(np.array(drawn) / sum(drawn), abs=0.001)


def test_a_learner_that_only_harms_gets_nothing() -> None:
    true = RNG.normal(size=2000)
    good, bad = true[:, None] * 0.9, -true[:, None]
    assert shares_of([good, bad], true, Head(1, "mse"), 0) == [1.0, 0.0]


def test_a_search_ends_no_worse_than_the_level_below_by_what_it_says_out_of_fold(
    learn: Learn, small_search: None
) -> None:
    card = learn(plan=DEAR).card
    assert card["blend"]["is_dear"]["learners_are"] in ("multiplied", "added")
    losses = card["blend"]["is_dear"]["out_of_fold_loss"]
    usual = card["learners"]["is_dear"][0]
    assert usual["name"] == "network, usual"
    assert losses["blend"] <= usual["out_of_fold_loss"] + 1e-9
    assert losses["blend"] <= losses["linear"] + 1e-9


def test_the_card_shows_every_learner_and_all_that_was_tried(learn: Learn, small_search: None) -> None:
    card = learn(plan=DEAR).card
    learners, tried = card["learners"]["is_dear"], card["tried"]["is_dear"]
    assert [learner["kind"] for learner in learners] == ["network", "trees", "kernel", "network", "network"]
    assert sum(learner["share"] for learner in learners) == pytest.approx(1.0, abs=0.01)
    assert {note["name"] for note in tried} == {
        *(variation.name for variation in VARIATIONS[:3]),
        *(f"trees, {kind.name}" for kind in TRIED[:2]),
        "kernel",
    }
    shares = card["blend"]["is_dear"]
    parts = ("network", "trees", "kernel", "linear", "constant")
    assert sum(shares[n] for n in parts) == pytest.approx(1.0, abs=0.01)


def on_streets() -> list[dict[str, Any]]:
    """Flats in streets that say nothing: averages of few lines only mislead."""
    return [{**row, "street": f"street {RNG.integers(60)}"} for row in flats(500)]


def test_trees_are_tried_with_and_without_averages_and_go_on_as_is_better(
    learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(levels.LEVELS, 5, replace(SMALL, search=Search(((1, 25),), 1, 25, trees=3, trees_kept=2)))
    plan = replace(DEAR, types={"street": ColumnType.LABEL})
    card = learn(on_streets(), plan=plan).card
    losses = {note["name"]: note["out_of_fold_loss"] for note in card["tried"]["is_dear"]}
    usual, without = losses["trees, usual"], losses["trees, usual, without averages"]
    better = ", without averages" if without < usual else ""
    assert {name for name in losses if name.startswith("trees")} == {
        "trees, usual",
        "trees, usual, without averages",
        *(f"trees, {kind.name}{better}" for kind in TRIED[1:3]),
    }


def test_trees_without_averages_are_served_the_columns_they_learnt(
    learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(levels.LEVELS, 5, replace(SMALL, search=Search(((1, 25),), 1, 25, trees=1, trees_kept=1)))
    monkeypatch.setattr(trees, "TRIED", (TRIED[2].without_averages,))
    # Nothing but trees answers, whoever does best.
    monkeypatch.setattr("ml.learning.learners.put_together", lambda *given: ([0.0, 1.0, 0.0], False))
    trained = learn(on_streets(), plan=replace(DEAR, types={"street": ColumnType.LABEL}))
    features = load(read_model(trained.folder)["model.safetensors"])["0.0.trees.feature"]
    averages = Solver.load(trained.folder).encoder.averages
    assert averages.size
    assert (features >= 0).any()
    assert not np.isin(features, averages).any()
    notes = trained.card["learners"]["is_dear"]
    said = trained.card["metrics"]["outputs"]["is_dear"]["loss"]
    assert said < 2 * next(note["out_of_fold_loss"] for note in notes if note["kind"] == "trees")


def test_kinds_of_trees_far_behind_are_not_grown_on_all_folds(learn: Learn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(levels.LEVELS, 5, replace(SMALL, search=Search(((1, 25),), 1, 25, trees=2, trees_kept=2)))
    monkeypatch.setattr(trees, "TRIED", (TRIED[0], replace(TRIED[1], name="hardly any", rate=1e-6, rounds=30)))
    monkeypatch.setattr(trees, "ENOUGH", 0.0)
    card = learn(plan=DEAR).card
    assert [own["name"] for own in card["learners"]["is_dear"] if own["kind"] == "trees"] == ["trees, usual"]
    assert "trees, hardly any" in {note["name"] for note in card["tried"]["is_dear"]}


def test_the_usual_networks_are_trained_from_two_starts_where_a_level_says_so(learn: Learn, small_search: None) -> None:
    learners = learn(plan=DEAR).card["learners"]["is_dear"]
    first, second = (own for own in learners if own["name"].startswith("network, usual"))
    assert second["name"] == "network, usual, once more"
    assert second["out_of_fold_loss"] != first["out_of_fold_loss"]
    assert USUAL.seed(3) == 3
    assert USUAL.once_more.seed(0) > 100_000  # beyond any seed that people count from nought
    assert [level.number for level in levels.LEVELS.values() if level.search and level.search.twice] == [4, 5]


def test_trees_and_kernel_stay_where_there_is_no_time_for_more_networks(
    learn: Learn, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = Search((), kept=0, steps=50, trees=1, trees_kept=1, tree_rounds=30, kernel=True)
    monkeypatch.setitem(levels.LEVELS, 5, replace(SMALL, search=search))
    card = learn(plan=DEAR).card
    assert [learner["kind"] for learner in card["learners"]["is_dear"]] == ["network", "trees", "kernel"]
    assert [note["rounds"] <= 30 for note in card["tried"]["is_dear"] if "rounds" in note] == [True]


def test_the_page_says_who_answers_and_how_much_it_counts() -> None:
    from ml.pages.proof import answering

    learners = [{"name": "network, usual", "share": 0.25}, {"name": "trees, deep", "share": 0.75},
                {"name": "network, waves", "share": 0.0}]  # fmt: skip
    card = {"learners": {"a": learners}, "blend": {"a": {"network": 0.2, "trees": 0.6, "linear": 0.2, "constant": 0}}}
    told = answering(card, "a")
    assert [name for name, _ in told] == ["trees, deep", "network, usual", "linear model"]
    assert [share for _, share in told] == pytest.approx([0.6, 0.2, 0.2])
    assert answering({"blend": card["blend"]}, "a") == []


def test_with_network_only_there_are_no_trees(learn: Learn, small_search: None) -> None:
    plan = replace(DEAR, shape=NetworkShape.from_json({"network_only": True}))
    card = learn(plan=plan).card
    assert {learner["kind"] for learner in card["learners"]["is_dear"]} == {"network"}
    assert card["blend"]["is_dear"]["trees"] == 0.0


def test_where_trees_cannot_be_grown_the_others_do_alone(
    learn: Learn, small_search: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "are_there", lambda classes: False)
    card = learn(plan=DEAR).card
    assert {learner["kind"] for learner in card["learners"]["is_dear"]} == {"network", "kernel"}


def test_a_search_with_the_same_seed_gives_the_same_bytes(learn: Learn, small_search: None) -> None:
    first, second = learn(plan=DEAR, folder="a"), learn(plan=DEAR, folder="b")
    assert read_model(first.folder)["model.onnx"] == read_model(second.folder)["model.onnx"]
    assert read_model(first.folder)["model.safetensors"] == read_model(second.folder)["model.safetensors"]


def test_cancelled_while_searching_the_best_so_far_is_kept(learn: Learn, small_search: None) -> None:
    heard: list[Progress] = []
    card = learn(plan=DEAR, on_progress=heard.append, should_stop=lambda: bool(heard) and heard[-1].percent > 45).card
    assert card["stopped"] == "cancelled"
    assert len(card["learners"]["is_dear"]) < 3
    assert card["metrics"]["outputs"]["is_dear"]["beats_constant"]


def test_a_search_without_time_still_gives_a_machine(learn: Learn, small_search: None) -> None:
    card = learn(plan=replace(DEAR, time_limit=0.001)).card
    assert card["stopped"] == "time limit"
    assert [learner["name"] for learner in card["learners"]["is_dear"]] == ["network, usual"]


def test_a_search_tells_its_progress_as_one_training(learn: Learn, small_search: None) -> None:
    heard: list[Progress] = []
    learn(plan=DEAR, on_progress=heard.append)
    percents = [progress.percent for progress in heard]
    assert percents == sorted(percents)
    steps = {progress.steps for progress in heard if progress.validation_loss is not None}
    assert len(steps) == 1


def test_several_outputs_are_searched_one_by_one(learn: Learn, small_search: None) -> None:
    card = learn(plan=TrainingPlan(("price", "is_dear"), level=5)).card
    assert set(card["learners"]) == {"price", "is_dear"}
    assert card["metrics"]["outputs"]["price"]["beats_linear"]


def test_parts_share_the_time_that_is_left() -> None:
    now = iter([10.0, 60.0, 120.0])
    course = Course(100, lambda look: None, lambda share: None, lambda: False, 110.0, clock=lambda: next(now))
    assert course.share(0.5) == 60.0
    assert course.share(0.5) == 85.0
    assert course.is_over()


def test_days_that_come_again_are_learnt_and_a_new_day_is_no_day(learn: Learn) -> None:
    from datetime import date, timedelta

    days = [date(2024, 1, 1) + timedelta(days=int(i)) for i in RNG.integers(0, 60, 1500)]
    luck = {day: bool(RNG.integers(2)) for day in set(days)}
    rows = [{**row, "built": str(day), "is_dear": "yes" if luck[day] else "no"}
            for row, day in zip(flats(1500), days, strict=True)]  # fmt: skip
    trained = learn(rows)
    assert trained.card["metrics"]["outputs"]["is_dear"]["score"]["value"] > 0.9
    solver = Solver.load(trained.folder)
    asked = [{**rows[0], "built": built} for built in ("2024-01-07", "2031-05-05", None, "no date")]
    one_by_one = [solver.encoder.row(row)[0] for row in asked]
    batch, _ = solver.encoder.batch({name: [row[name] for row in asked] for name in asked[0]}, len(asked))
    assert b"".join(one_by_one) == batch.tobytes()


def test_calibration_error_stays_small_with_enough_lines(learn: Learn, small_search: None) -> None:
    card = learn(flats(3000), plan=DEAR).card
    assert card["metrics"]["outputs"]["is_dear"]["calibration"]["expected_calibration_error"] <= 0.03
    assert isinstance(scores.calibration(np.full((4, 2), 0.5), np.array([0, 1, 0, 1])), dict)
