"""Training: deterministic, cancellable, bounded in time, and honest about what it cannot learn."""

from __future__ import annotations

import itertools
import json
import os
import pickletools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from ml.learning import errors
from ml.learning.columns.infer import ColumnType
from ml.learning.learn import Trained
from ml.learning.network.shape import NetworkShape
from ml.learning.plan import TrainingPlan
from ml.learning.progress import Progress
from ml.tests.learning.conftest import Learn, Rows, flats

DEAR = TrainingPlan(("is_dear",), ignore=("price",), seed=1)


def test_the_same_seed_gives_the_same_bytes(learn: Learn, trained: Trained) -> None:
    again = learn()
    for name in ("model.onnx", "model.safetensors", "encoder.json"):
        assert (again.folder / name).read_bytes() == (trained.folder / name).read_bytes()


def test_another_seed_gives_another_network(learn: Learn, trained: Trained) -> None:
    other = learn(plan=TrainingPlan(("is_dear",), ignore=("price",), seed=2))
    assert (other.folder / "model.onnx").read_bytes() != (trained.folder / "model.onnx").read_bytes()


def test_what_can_be_learnt_is_learnt(trained: Trained) -> None:
    found = trained.card["metrics"]["outputs"]["is_dear"]
    assert found["score"]["name"] == "auc"
    assert found["score"]["value"] > 0.95
    assert found["beats_constant"]


def test_the_card_tells_what_matters(trained: Trained) -> None:
    importance = trained.card["importance"]
    assert set(list(importance)[:2]) == {"size", "quarter"}
    assert sum(importance.values()) == pytest.approx(1.0)
    assert importance["noise"] < 0.1
    assert trained.card["data"]["left_out"] == {"price": "ignored as asked"}
    assert trained.card["data"]["learning_lines"] + trained.card["data"]["evaluation_lines"] == 400


def test_the_eight_numbers_are_there(trained: Trained) -> None:
    for kind in ("loss", "accuracy"):
        found = trained.card["metrics"][kind]
        assert set(found) == {"training", "training_noise", "evaluation", "evaluation_noise"}
    assert trained.card["metrics"]["loss"]["evaluation_noise"] > trained.card["metrics"]["loss"]["evaluation"]


def test_numbers_and_labels_can_be_learnt_together(trained_on_both: Trained) -> None:
    outputs = trained_on_both.card["metrics"]["outputs"]
    assert outputs["price"]["score"]["name"] == "rmse"
    assert outputs["price"]["beats_linear"]
    assert outputs["is_dear"]["beats_constant"]
    assert outputs["price"]["residuals"]["interval_held"] > 0.75


def test_a_level_higher_has_more_members(learn: Learn) -> None:
    card = learn(plan=TrainingPlan(("is_dear",), ignore=("price",), level=2)).card
    assert card["networks"]["is_dear"]["members"] == 2


def test_progress_rises_and_ends(learn: Learn) -> None:
    heard: list[Progress] = []
    learn(on_progress=heard.append)
    percents = [progress.percent for progress in heard]
    assert percents == sorted(percents)
    assert heard[-1].stage == "finished"
    training = [progress for progress in heard if progress.validation_loss is not None]
    assert {progress.stage for progress in training} == {"training"}
    assert training[-1].steps_per_second is not None


def answers(*given: bool) -> Iterator[bool]:
    return itertools.chain(given, itertools.repeat(given[-1]))


def test_cancelled_while_training_the_best_so_far_is_kept(learn: Learn) -> None:
    looks: list[Progress] = []

    def hear(progress: Progress) -> None:
        looks.extend([progress] if progress.step else [])

    card = learn(on_progress=hear, should_stop=lambda: len(looks) >= 3).card
    assert card["stopped"] == "cancelled"
    assert 75 <= card["networks"]["is_dear"]["steps"] <= 125
    assert card["metrics"]["outputs"]["is_dear"]["beats_constant"]
    assert any("ended early (cancelled)" in limit for limit in card["limits"])


def test_cancelled_before_training_nothing_is_kept(learn: Learn, tmp_path: Path) -> None:
    with pytest.raises(errors.TrainingCancelled):
        learn(should_stop=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_what_a_listener_raises_ends_the_training(learn: Learn, tmp_path: Path) -> None:
    class LeaseLost(Exception):
        pass

    def hear(progress: Progress) -> None:
        if progress.stage == "training":
            raise LeaseLost

    with pytest.raises(LeaseLost):
        learn(on_progress=hear)
    assert list(tmp_path.iterdir()) == []


def test_a_time_limit_that_is_over_still_gives_a_machine(learn: Learn) -> None:
    card = learn(plan=TrainingPlan(("is_dear",), ignore=("price",), level=3, time_limit=0.001)).card
    assert card["stopped"] == "time limit"
    assert card["networks"]["is_dear"]["steps"] == 25
    assert any("ended early (time limit)" in limit for limit in card["limits"])


def column_of(name: str, values: Iterator[object], lines: int = 200) -> Rows:
    return [{**row, name: next(values)} for row in flats(lines)]


@pytest.mark.parametrize(
    ("rows", "plan", "error"),
    [
        (flats(40), DEAR, errors.TooFewLines),
        (column_of("is_dear", itertools.repeat("no")), DEAR, errors.NothingToLearn),
        (column_of("price", itertools.repeat(3.5)), TrainingPlan(("price",)), errors.NothingToLearn),
        (column_of("is_dear", itertools.repeat(None)), DEAR, errors.UnfitOutput),
        (column_of("is_dear", (f"flat {i}" for i in itertools.count())), DEAR, errors.UnfitOutput),
        (column_of("is_dear", itertools.chain(["yes", "no"] * 20, itertools.repeat(None))), DEAR, errors.TooFewLines),
        (flats(200), TrainingPlan(("built",)), errors.UnfitOutput),
        (flats(200), TrainingPlan(("is_dear",), loss="mae"), errors.UnfitOutput),
        (flats(200), TrainingPlan(("price",), loss="binary_crossentropy"), errors.UnfitOutput),
        (flats(200), TrainingPlan(("quarter",), loss="binary_crossentropy"), errors.UnfitOutput),
        (flats(200), TrainingPlan(("quarter",), types={"quarter": ColumnType.FLOAT}), errors.UnfitOutput),
        (flats(200), TrainingPlan(("is_dear",), ignore=("pric",)), errors.UnknownColumns),
        (flats(200), TrainingPlan(("rent",)), errors.UnknownColumns),
        (flats(200), TrainingPlan(()), errors.NothingToLearn),
        (
            flats(200),
            TrainingPlan(("is_dear",), ignore=("size", "quarter", "built", "noise", "price")),
            errors.NothingToLearn,
        ),
        (flats(200), TrainingPlan(("is_dear",), level=6), errors.LevelNotThere),
    ],
)
def test_what_cannot_be_learnt_is_refused(
    learn: Learn, tmp_path: Path, rows: Rows, plan: TrainingPlan, error: type[Exception]
) -> None:
    with pytest.raises(error):
        learn(rows, plan=plan)
    assert list(tmp_path.iterdir()) == []


def test_lines_without_an_output_are_left_out(learn: Learn) -> None:
    rows = flats(300)
    for row in rows[::3]:
        row["is_dear"] = None
    data = learn(rows).card["data"]
    assert (data["lines"], data["learning_lines"] + data["evaluation_lines"]) == (300, 200)


def test_a_label_seen_in_evaluation_only_counts_as_missed(learn: Learn) -> None:
    from ml.learning.split import is_for_evaluation

    rows = [dict(row) for row in flats(300)]
    rare = next(line for line in range(1, 301) if is_for_evaluation(1, line))
    rows[rare - 1]["is_dear"] = "perhaps"
    found = learn(rows).card["metrics"]["outputs"]["is_dear"]
    assert found["lines"] == sum(is_for_evaluation(1, line) for line in range(1, 301)) - 1
    assert sum(sum(row) for row in found["confusion"]["matrix"]) == found["lines"]


def test_a_target_of_pure_chance_is_said_to_be_so(learn: Learn) -> None:
    rng = np.random.default_rng(5)
    card = learn(column_of("is_dear", (str(rng.integers(2)) for _ in range(400)), 400)).card
    detail = card["metrics"]["outputs"]["is_dear"]
    assert detail["logloss"] < 0.75
    assert detail["beats_constant"] or any("no better than always" in limit for limit in card["limits"])


def test_every_optimizer_learns(learn: Learn) -> None:
    for optimizer in ("adam", "sgd", "rmsprop"):
        plan = TrainingPlan(("is_dear",), ignore=("price",), optimizer=optimizer)  # type: ignore[arg-type]
        card = learn(plan=plan, folder=optimizer).card
        assert card["blend"]["is_dear"]["out_of_fold_loss"]["learners"] < 0.5, optimizer


def test_a_shape_is_what_was_asked_for(learn: Learn) -> None:
    plan = TrainingPlan(
        ("is_dear",), ignore=("price",), shape=NetworkShape.from_json({"hidden": [32], "activation": "mish"})
    )
    trained = learn(plan=plan)
    assert trained.card["networks"]["is_dear"]["hidden"] == [32]
    assert load_file(trained.folder / "model.safetensors")["0.0.w0"].shape[2] == 32


@pytest.mark.parametrize(
    "shape",
    [
        {"hidden": []},
        {"hidden": [4]},
        {"hidden": "128"},
        {"activation": "tanhx"},
        {"dropout": 2},
        {"depth": 3},
        {"network_only": "yes"},
    ],
)
def test_an_impossible_shape_is_refused(shape: dict[str, object]) -> None:
    with pytest.raises(errors.UnfitShape):
        NetworkShape.from_json(shape)


def test_nothing_stored_is_a_pickle(trained: Trained) -> None:
    for path in trained.folder.iterdir():
        data = path.read_bytes()
        with pytest.raises((ValueError, IndexError, KeyError, EOFError)):
            if data[:1] in b"{[":
                json.loads(data)
                raise ValueError("plain JSON")
            list(pickletools.genops(data))


def test_a_folder_with_something_else_in_it_is_not_written_over(learn: Learn, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.txt").write_text("years of work")
    with pytest.raises(errors.LearningError, match="choose a new folder"):
        learn()
    assert (tmp_path / "model" / "thesis.txt").read_text() == "years of work"


def test_a_table_is_found_fit_before_anything_heavy_is_loaded() -> None:
    heavy = ("jax", "optax", "scipy", "lightgbm", "onnx", "pandas")
    code = f"import sys; import ml.learning.learn; print([name for name in {heavy} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"
