"""The learners of one output: the usual networks, and from level 3 on what a search finds beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.learning.blend import temperature_of
from ml.learning.checkpoints import Part
from ml.learning.course import Course
from ml.learning.encoding.fit import Encoded
from ml.learning.ensemble import put_together
from ml.learning.kernel import MOST_COLUMNS, Kernel, fit_kernel
from ml.learning.levels import TREE_STEPS, Level, Search
from ml.learning.network.fold import Fold
from ml.learning.network.losses import label_errors, number_errors, softmax
from ml.learning.network.shape import Head, Recipe
from ml.learning.network.train import Members, train_members
from ml.learning.trees import settings as trees
from ml.learning.trees.grow import Grown, grow
from ml.learning.variations import USUAL, VARIATIONS, Variation

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Model = Members | list[Grown] | Kernel
# Kinds whose error on the first folds is so many times the best one's are not grown on the others.
TREES_FAR_BEHIND = 1.1
# A kernel machine takes as long as so many steps.
KERNEL_STEPS = 1000
# A kernel machine whose error is so many times that of the usual networks would get no share.
KERNEL_FAR_BEHIND = 2.0
# What is tried is compared on so many lines, of several folds where one has fewer.
LINES_TO_COMPARE = 1000
# Lines times labels; beyond, the answers of several learners would take more memory than the table.
MOST_ANSWERS = 15_000_000


@dataclass(frozen=True, slots=True)
class Learner:
    """Trained on every fold; `watched` is what it says of the lines it did not learn from, fold after fold:
    probabilities of labels, numbers. `stopped` says why it ended early, if it did; `columns` are those it sees, where
    they are not all."""

    name: str
    watched: Floats
    temperature: float
    model: Model
    stopped: str | None = None
    columns: Rows | None = None

    @property
    def kind(self) -> str:
        if isinstance(self.model, Kernel):
            return "kernel"
        return "network" if isinstance(self.model, Members) else "trees"


@dataclass
class Learning:
    """All that is tried for one output; `tried` are notes for the card."""

    encoded: Encoded
    y: NDArray[np.float32]
    head: Head
    folds: list[Fold]
    usual: Recipe
    seed: int
    course: Course
    tried: list[dict[str, Any]] = field(default_factory=list)

    def learners(self, level: Level, *, network_only: bool) -> list[Learner]:
        """The usual networks first. Out of time or asked to stop, the later ones are missing."""
        search = level.search
        found = [self._networks(USUAL, level.steps, share=0.4 if search else 1.0)]
        if search is None or found[0].stopped or self.true.size * self.head.width > MOST_ANSWERS:
            return found
        with_trees = search.trees and not network_only and trees.are_there(self.head.width)
        found += self._trees(search) if with_trees else []
        if search.kernel and not network_only and not self.course.is_over():
            found += self._kernel(found[0])
        if search.twice and not self.course.is_over():
            found.append(self._networks(USUAL.once_more, level.steps, share=0.3))
        kept = self._halving(search) if search.kept and not self.course.is_over() else []
        for i, variation in enumerate(kept):
            if self.course.is_over():
                break
            found.append(self._networks(variation, search.steps, share=1 / (len(kept) - i)))
        return found

    def shares(self, learners: Sequence[Learner]) -> tuple[list[float], bool]:
        """And whether what learners say is multiplied."""
        return put_together([learner.watched for learner in learners], self.true, self.head, self.seed)

    @property
    def true(self) -> Floats:
        return np.asarray(self.y[np.concatenate([fold.watch for fold in self.folds])], dtype=np.float64)

    def _networks(self, variation: Variation, steps: int, *, share: float) -> Learner:
        recipe = variation.recipe(self.usual, steps)
        members = train_members(
            self.encoded.x,
            self.y,
            self.folds,
            self.head,
            recipe,
            seed=variation.seed(self.seed),
            masks=self._masks([variation] * len(self.folds)),
            numbers=self.encoded.encoder.numbers,
            deadline=self.course.share(share),
            on_look=self.course.looks(steps * len(self.folds)),
            should_stop=self.course.should_stop,
            kept=self._part("networks", variation, recipe),
        )
        answers = np.concatenate(members.watched(self.encoded.x, self.folds))
        return self._learner(f"network, {variation.name}", answers, members, members.stopped)

    def _halving(self, search: Search) -> list[Variation]:
        """The best variations by successive halving on the first folds."""
        alive = list(VARIATIONS[: search.rungs[0][0]])
        for i, (count, steps) in enumerate(search.rungs):
            losses = self._losses(alive[:count], steps)
            alive = sorted(losses, key=lambda variation: losses[variation])
            self.tried += [
                {"name": own.name, "rung": i + 1, "steps": steps, "out_of_fold_loss": losses[own]} for own in alive
            ]
        return alive[: search.kept]

    def _losses(self, variations: Sequence[Variation], steps: int) -> dict[Variation, float]:
        """Of each after so many steps, the mean of the folds compared on; out of time it is of those that were done."""
        found: list[dict[Variation, float]] = []
        for fold in range(folds_to_compare(self.folds)):
            if found and self.course.is_over():
                break
            found.append(self._losses_on(fold, variations, steps))
        return {variation: float(np.mean([losses[variation] for losses in found])) for variation in variations}

    def _losses_on(self, fold: int, variations: Sequence[Variation], steps: int) -> dict[Variation, float]:
        """Those of one program are trained side by side."""
        losses: dict[Variation, float] = {}
        for waves in sorted({variation.waves for variation in variations}):
            own = [variation for variation in variations if variation.waves == waves]
            recipes = [variation.recipe(self.usual, steps) for variation in own]
            members = train_members(
                self.encoded.x,
                self.y,
                [self.folds[fold]] * len(own),
                self.head,
                recipes,
                seed=self.seed,
                masks=self._masks(own),
                numbers=self.encoded.encoder.numbers,
                deadline=self.course.share(0.3),
                on_look=self.course.looks(steps * len(own)),
                should_stop=self.course.should_stop,
                kept=self._part("rung", fold, own, recipes),
            )
            losses |= zip(own, members.best_losses, strict=True)
        return losses

    def _masks(self, variations: Sequence[Variation]) -> NDArray[np.float32]:
        return np.stack([variation.mask(self.encoded.encoder) for variation in variations])

    def _trees(self, search: Search) -> list[Learner]:
        """The kinds that do best on the first folds, then grown on all."""
        tried = self._tried_trees(search)
        found = []
        for settings in _worth_growing(tried)[: search.trees_kept]:
            if self.course.is_over():
                break
            grown = tried[settings]
            grown += self._grown(settings, range(len(grown), len(self.folds)))
            answers = np.concatenate([own.watched for own in grown])
            stopped = "time limit" if any(own.was_cut for own in grown) else None
            learner = self._learner(f"trees, {settings.name}", answers, grown, stopped)
            found.append(replace(learner, columns=self._columns_of(settings)))
        return found

    def _tried_trees(self, search: Search) -> dict[trees.TreeSettings, list[Grown]]:
        """Each kind grown on the folds compared on, as far as there is time.

        Where there are averages of outputs, the first kind is grown with and without them, and the others as that one
        did better.
        """
        tried: dict[trees.TreeSettings, list[Grown]] = {}
        kinds = [replace(kind, rounds=min(kind.rounds, search.tree_rounds)) for kind in trees.TRIED[: search.trees]]
        without = kinds[0].without_averages
        if self.encoded.encoder.averages.size and self._columns_of(without).size:
            kinds.insert(1, without)
        for place, kind in enumerate(kinds):
            if self.course.is_over():
                break
            plain = place > 1 and not min(tried, key=lambda other: _mean_error(tried[other])).averages
            settings = kind.without_averages if plain else kind
            own = tried[settings] = self._grown(settings, range(folds_to_compare(self.folds)))
            rounds = round(float(np.mean([grown.rounds for grown in own])))
            self.tried.append(
                {"name": f"trees, {settings.name}", "rounds": rounds, "out_of_fold_loss": _mean_error(own)}
            )
        return tried

    def _grown(self, settings: trees.TreeSettings, folds: range) -> list[Grown]:
        columns = self._columns_of(settings)
        seen = np.ascontiguousarray(self.encoded.x[:, columns])
        return [self._grow(seen, fold, self.folds[fold].among(columns), settings) for fold in folds]

    def _grow(self, seen: NDArray[np.float32], number: int, fold: Fold, settings: trees.TreeSettings) -> Grown:
        grown = grow(
            seen,
            self.y,
            fold,
            self.head,
            settings,
            seed=self.seed + number,
            deadline=self.course.share(0.25),
            should_stop=self.course.should_stop,
            kept=self._part("trees", settings, number),
        )
        self.course.did(TREE_STEPS)
        return grown

    def _columns_of(self, settings: trees.TreeSettings) -> Rows:
        encoder = self.encoded.encoder
        return encoder.plain if settings.averages else np.setdiff1d(encoder.plain, encoder.averages)

    def _kernel(self, usual: Learner) -> list[Learner]:
        """On columns that are the same to all folds, which averages are not; none where it is far behind `usual`."""
        columns = np.setdiff1d(self.encoded.encoder.plain, self.encoded.encoder.averages)
        if not 0 < columns.size <= MOST_COLUMNS:
            return []
        fitted = fit_kernel(
            np.ascontiguousarray(self.encoded.x[:, columns]),
            self.y,
            self.folds,
            self.head,
            seed=self.seed,
            compared=folds_to_compare(self.folds),
            most_error=KERNEL_FAR_BEHIND * error_of(usual, self.true, self.head),
            go_on=lambda: not self.course.is_over(),
        )
        self.course.did(KERNEL_STEPS)
        self.tried += [
            {"name": "kernel", "sharpness": sharpness, "penalty": penalty, "out_of_fold_loss": error}
            for sharpness, penalty, error in fitted.best_of_each
        ]
        if fitted.model is None:
            return []
        return [replace(self._learner("kernel", fitted.watched, fitted.model), columns=columns)]

    def _part(self, *what: object) -> Part:
        """Named by all that decides it beside the table: the parting into folds, the error, the seed, and `what`."""
        folds = [(fold.learn.size, fold.watch.size) for fold in self.folds]
        return self.course.part(self.encoded.encoder.width, folds, self.head, self.seed, *what)

    def _learner(self, name: str, answers: NDArray[np.floating], model: Model, stopped: str | None = None) -> Learner:
        said = np.asarray(answers, dtype=np.float64)
        if not self.head.is_label:
            return Learner(name, said, 1.0, model, stopped)
        temperature = temperature_of(said, self.true.astype(np.intp))
        return Learner(name, softmax(said / temperature), temperature, model, stopped)


def folds_to_compare(folds: Sequence[Fold]) -> int:
    """As many as it takes to have enough lines."""
    watched = np.cumsum([fold.watch.size for fold in folds])
    return min(len(folds), 1 + int((watched < LINES_TO_COMPARE).sum()))


def work_of(level: Level, folds: Sequence[Fold], *, averages: bool) -> int:
    """The steps of all members that a level takes for one output; with `averages` one kind of trees is tried twice."""
    work, search = level.members * level.steps, level.search
    if search is None:
        return work
    work *= 2 if search.twice else 1
    compared = folds_to_compare(folds)
    kinds = search.trees + (averages and search.trees > 0)
    grown = kinds * compared + search.trees_kept * (level.members - compared)
    tried = compared * sum(count * steps for count, steps in search.rungs)
    return work + tried + search.kept * level.members * search.steps + TREE_STEPS * grown + KERNEL_STEPS * search.kernel


def _worth_growing(tried: dict[trees.TreeSettings, list[Grown]]) -> list[trees.TreeSettings]:
    """The best first; those far behind it would take their time and get no share."""
    errors = {settings: _mean_error(own) for settings, own in tried.items()}
    most = min(errors.values(), default=0.0) * TREES_FAR_BEHIND
    return sorted((settings for settings in errors if errors[settings] <= most), key=errors.__getitem__)


def _mean_error(grown: Sequence[Grown]) -> float:
    return float(np.mean([own.error for own in grown]))


def error_of(learner: Learner, true: Floats, head: Head) -> float:
    """Its mean error out of fold."""
    if head.is_label:
        return float(label_errors(learner.watched, true.astype(np.intp), head.loss).mean())
    return float(number_errors(learner.watched[:, 0], true, head.loss).mean())
