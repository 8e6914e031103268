"""A training that was broken off goes on where it was, to the very model it would have become."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.learning.checkpoints import Checkpoints, Part, Tensors
from ml.learning.learn import TRAINING_SHARE, _deadline
from ml.learning.levels import LEVELS, Level, Search
from ml.learning.network.fold import Fold
from ml.learning.network.shape import Head, NetworkShape, Recipe, recipe_for
from ml.learning.network.train import Look, Members, train_members
from ml.learning.plan import TrainingPlan
from ml.learning.trees import settings as trees
from ml.learning.trees.grow import grow
from ml.learning.trees.settings import TRIED
from ml.tests.learning.conftest import Learn

HEAD = Head(2, "crossentropy")
FOLDS = [Fold(np.arange(60, 300), np.arange(60)), Fold(np.arange(240), np.arange(240, 300))]


class BrokenOff(Exception):
    """Stands for kill -9: nothing after it is done."""


def table(lines: int = 300) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(5).normal(size=(lines, 6)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] > 0).astype(np.float32)


def recipe(optimizer: str = "adamw", **given: int) -> Recipe:
    shape = NetworkShape((16, 16), "auto")
    return recipe_for(shape, HEAD, optimizer=optimizer, steps=given.get("steps", 250), learning_lines=240)  # type: ignore[arg-type]


def always_due(folder: Path, *earlier: Path, identity: str = "a table") -> Checkpoints:
    """Checkpoints that are written at every look."""
    return Often(folder, earlier, identity)


class Often(Checkpoints):
    """Its parts are due whenever they are asked."""

    def part(self, name: str) -> Part:
        found = super().part(name)
        found.is_due = lambda: True  # type: ignore[method-assign]
        return found


def trained(checkpoints: Checkpoints, *, breaks_at: int | None = None, optimizer: str = "adamw") -> Members:
    x, y = table()

    def look(seen: Look) -> None:
        looks.append(seen.step)
        if seen.step == breaks_at:
            raise BrokenOff

    looks: list[int] = []
    members = train_members(
        x, y, FOLDS, HEAD, recipe(optimizer), seed=1, kept=checkpoints.part("networks"), on_look=look
    )
    members.params["looked at"] = np.array(looks, np.float32)
    return members


def same(one: Members, other: Members) -> bool:
    names = one.params.keys() - {"looked at"}
    return (
        all(one.params[name].tobytes() == other.params[name].tobytes() for name in names)
        and one.best_steps == other.best_steps
        and one.looks == other.looks
    )


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_members_broken_off_become_what_they_would_have_become(tmp_path: Path, optimizer: str) -> None:
    whole = trained(Checkpoints(), optimizer=optimizer)
    with pytest.raises(BrokenOff):
        trained(always_due(tmp_path / "1"), breaks_at=150, optimizer=optimizer)
    second = trained(always_due(tmp_path / "2", tmp_path / "1"), optimizer=optimizer)
    assert same(whole, second)
    assert second.params["looked at"].min() == 150  # the look at which it broke off was not kept any more


def test_members_that_were_done_are_not_trained_again(tmp_path: Path) -> None:
    first = trained(always_due(tmp_path / "1"))
    second = trained(always_due(tmp_path / "2", tmp_path / "1"))
    assert same(first, second)
    assert second.params["looked at"].size == 0


def test_the_state_of_another_training_is_not_gone_on_from(tmp_path: Path) -> None:
    trained(always_due(tmp_path / "1", identity="another table"))
    second = trained(always_due(tmp_path / "2", tmp_path / "1"))
    assert second.params["looked at"].min() == 25


def test_a_damaged_checkpoint_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    trained(always_due(tmp_path / "1"))
    [part] = [path for path in (tmp_path / "1").iterdir() if path.suffix != ".json"]
    data = bytearray(part.read_bytes())
    data[-1] ^= 1
    part.write_bytes(data)
    second = trained(always_due(tmp_path / "2", tmp_path / "1"))
    assert second.params["looked at"].min() == 25


def test_another_training_takes_what_is_whole_and_nothing_half_done(tmp_path: Path) -> None:
    with pytest.raises(BrokenOff):
        trained(always_due(tmp_path / "1"), breaks_at=150)
    other = always_due(tmp_path / "2", tmp_path / "1")
    other.work = "another"
    assert trained(other).params["looked at"].min() == 25
    third = always_due(tmp_path / "3", tmp_path / "2")
    third.work = "a third"
    assert trained(third).params["looked at"].size == 0


def test_what_time_ran_out_for_is_done_again_by_another_training(tmp_path: Path) -> None:
    cut = always_due(tmp_path / "1")
    cut.part("networks").write({"is_done": True}, {}, is_whole=False)
    assert always_due(tmp_path / "2", tmp_path / "1").part("networks").read() is not None
    other = always_due(tmp_path / "4", tmp_path / "1")
    other.work = "another"
    assert other.part("networks").read() is None


def test_what_an_attempt_read_from_others_is_in_its_own_folder_too(tmp_path: Path) -> None:
    trained(always_due(tmp_path / "1"))
    trained(always_due(tmp_path / "2", tmp_path / "1"))
    assert {path.name for path in (tmp_path / "2").iterdir()} >= {
        path.name for path in (tmp_path / "1").iterdir() if path.suffix != ".json"
    }


def test_an_attempt_never_writes_into_an_earlier_ones_folder(tmp_path: Path) -> None:
    with pytest.raises(BrokenOff):
        trained(always_due(tmp_path / "1"), breaks_at=50)
    before = {path.name: path.read_bytes() for path in (tmp_path / "1").iterdir()}
    trained(always_due(tmp_path / "2", tmp_path / "1"))
    assert {path.name: path.read_bytes() for path in (tmp_path / "1").iterdir()} == before


def test_a_full_disk_costs_the_checkpoint_and_not_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    whole = trained(Checkpoints())
    monkeypatch.setattr(os, "fsync", full)
    checkpoints = always_due(tmp_path / "1")
    assert same(whole, trained(checkpoints))
    assert "No space left" in (checkpoints.trouble or "")
    assert list((tmp_path / "1").iterdir()) == []


def test_a_model_waits_for_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ml.learning import learn

    tries, asked = iter([True, True, False]), []

    def full_twice(folder: Path, files: dict[str, bytes]) -> None:
        if next(tries):
            raise OSError(errno.ENOSPC, "No space left on device")
        (folder / "model").write_bytes(files["model"])

    def room() -> bool:
        asked.append(True)
        return True

    monkeypatch.setattr(learn, "write_model", full_twice)
    learn._store(tmp_path, {"model": b"learnt for hours"}, room)
    assert (tmp_path / "model").read_bytes() == b"learnt for hours"
    assert len(asked) == 2


def test_a_disk_that_stays_full_ends_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ml.jobs import training
    from ml.learning import learn

    def full(folder: Path, files: dict[str, bytes]) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    stages: list[str] = []
    monkeypatch.setattr(learn, "write_model", full)
    monkeypatch.setattr(training, "ROOM_SECONDS", 0.05)
    monkeypatch.setattr(training, "ROOM_LOOKS", 0.02)
    room = training._Room(lambda progress: stages.append(progress["stage"]))
    with pytest.raises(OSError, match="No space left"):
        learn._store(tmp_path, {}, room.wait)
    assert set(stages) == {"waiting for room"}


def test_keeping_the_state_takes_a_fiftieth_of_the_time_at_most(tmp_path: Path) -> None:
    now = [0.0]
    part = Checkpoints(tmp_path / "1", clock=lambda: now[0]).part("slow")

    class Slow(dict):  # type: ignore[type-arg]
        """Notes that take two seconds to be written."""

        def items(self):  # type: ignore[no-untyped-def]
            now[0] += 2.0
            return super().items()

    part.write({}, Slow(x=np.zeros(1)), is_whole=False)
    took = now[0]
    now[0] += took * 49
    assert not part.is_due()
    now[0] += took * 2
    assert part.is_due()


def test_the_time_of_lost_attempts_counts_towards_the_limit(tmp_path: Path) -> None:
    now = [0.0]
    first = Checkpoints(tmp_path / "1", clock=lambda: now[0])
    now[0] = 60.0
    first.part("networks").write({}, {}, is_whole=True)
    second = Checkpoints(tmp_path / "2", [tmp_path / "1"])
    assert second.spent_before == 60.0
    assert Checkpoints(tmp_path / "2", [tmp_path / "1"], work="another").spent_before == 0.0
    import time

    deadline = _deadline(TrainingPlan(("y",), time_limit=100), second)
    assert deadline is not None
    assert deadline - time.monotonic() == pytest.approx(100 * TRAINING_SHARE - 60, abs=1)


class Killed(Checkpoints):
    """Its training is killed when it has written so many parts."""

    left = 3

    def write(self, name: str, notes: Mapping[str, Any], tensors: Tensors, *, is_whole: bool) -> None:
        super().write(name, notes, tensors, is_whole=is_whole)
        self.left -= 1
        if not self.left:
            raise BrokenOff


@pytest.mark.skipif(not trees.are_there(2), reason="LightGBM cannot be loaded here")
def test_a_search_killed_again_and_again_becomes_what_it_would_have_become(
    learn: Learn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks, rungs and trees: whatever was done is taken, and nothing is done twice."""
    monkeypatch.setitem(LEVELS, 5, Level(5, 2, 2, 50, Search(((3, 25), (2, 50)), 1, 50, trees=2, trees_kept=1)))
    plan = TrainingPlan(("is_dear",), ignore=("price",), level=5, seed=1)
    whole = learn(plan=plan, folder="whole", checkpoints=Checkpoints(tmp_path / "0"))
    parts = {path.name for path in (tmp_path / "0").iterdir() if path.suffix != ".json"}
    for attempt in ("1", "2"):
        earlier = [tmp_path / "1"] if attempt == "2" else []
        with pytest.raises(BrokenOff):
            learn(plan=plan, folder="broken", checkpoints=Killed(tmp_path / attempt, earlier))
    last = Checkpoints(tmp_path / "3", [tmp_path / "2", tmp_path / "1"])
    again = learn(plan=plan, folder="again", checkpoints=last)
    assert last.resumed == 6
    assert {path.name for path in (tmp_path / "3").iterdir() if path.suffix != ".json"} == parts
    for name in ("model.onnx", "model.safetensors", "encoder.json"):
        assert (again.folder / name).read_bytes() == (whole.folder / name).read_bytes()


@pytest.mark.skipif(not trees.are_there(2), reason="LightGBM cannot be loaded here")
def test_trees_that_were_grown_are_not_grown_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import lightgbm

    x, y = table()
    first = grow(x, y, FOLDS[0], HEAD, TRIED[2], seed=1, kept=always_due(tmp_path / "1").part("trees"))
    monkeypatch.setattr(lightgbm, "train", None)
    kept = always_due(tmp_path / "2", tmp_path / "1").part("trees")
    second = grow(x, y, FOLDS[0], HEAD, TRIED[2], seed=1, kept=kept)
    assert (second.text, second.rounds, second.error) == (first.text, first.rounds, first.error)
    assert second.watched.tobytes() == first.watched.tobytes()
