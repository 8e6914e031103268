"""Trains the members of a machine chunk by chunk and keeps them at their best on lines they do not learn from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import jax
import numpy as np
from numpy.typing import NDArray

from ml.learning.checkpoints import NOTHING_KEPT, Part
from ml.learning.network import resume
from ml.learning.network.fold import Fold
from ml.learning.network.losses import mean_loss
from ml.learning.network.members import SHARED, Feeder, Floats, first_params, padded_width
from ml.learning.network.shape import Head, Recipe
from ml.learning.network.steps import Chunk, first_state, lent_zeros, rate_of, run_answers, run_chunk

POOL = 1 << 20
LOOK_LINES = 4096
# A member that has not got better for this share of all steps will not.
PATIENCE = 0.5
# Watched on fewer lines, a member's best step is chance, and it looks better there than on any new line: then all
# members stop at one step, the best for their folds together.
LINES_FOR_OWN_STEP = 500


@dataclass(frozen=True, slots=True)
class Look:
    """A look at the members between two chunks; losses are means over the members."""

    step: int
    steps: int
    train_loss: float
    validation_loss: float
    best_validation_loss: float


@dataclass(slots=True)
class Members:
    """The trained members, each at its best step, and why training ended early, if it did.

    `recipe` is the first member's; the others differ at most in rate, decay and dropout.
    """

    params: dict[str, Floats]
    best_steps: list[int]
    best_losses: list[float]
    recipe: Recipe
    looks: list[Look] = field(default_factory=list)
    stopped: str | None = None

    def watched(self, x: Floats, folds: list[Fold]) -> list[Floats]:
        """Each member's answers on the lines it was watched on."""
        return answers_on(self.params, x, [fold.watch for fold in folds], self.recipe, folds)


def train_members(
    x: Floats,
    y: Floats,
    folds: list[Fold],
    head: Head,
    recipe: Recipe | list[Recipe],
    *,
    seed: int,
    masks: Floats | None = None,
    numbers: NDArray[np.intp] | None = None,
    deadline: float | None = None,
    on_look: Callable[[Look], None] = lambda look: None,
    should_stop: Callable[[], bool] = lambda: False,
    kept: Part = NOTHING_KEPT,
    clock: Callable[[], float] = time.monotonic,
) -> Members:
    """Train until all steps are done, nothing gets better, `deadline` (by `clock`) nears or `should_stop`.

    With a list each member has a recipe of its own; they may differ in rate, decay and dropout. `masks` says for each
    member which columns it sees (1) and which not (0); `numbers` are the columns that recipes with waves make waves of.
    The same input and seed give the same members on one kind of machine, unless the deadline cut the plan short.
    However early it is stopped, every member has had a chunk of steps and a look. What `kept` holds of these members is
    gone on from, to the same end as if there had been no break.
    """
    recipes = recipe if isinstance(recipe, list) else [recipe] * len(folds)
    training = _Training(x, y, folds, head, recipes, masks, numbers, seed)
    return training.run(Pace(deadline, clock), on_look, should_stop, kept)


class _Training:
    """The state between chunks."""

    def __init__(
        self,
        x: Floats,
        y: Floats,
        folds: list[Fold],
        head: Head,
        recipes: list[Recipe],
        masks: Floats | None,
        numbers: NDArray[np.intp] | None,
        seed: int,
    ) -> None:
        learn, recipe = [fold.learn for fold in folds], recipes[0]
        self.x, self.y, self.head, self.recipe, self.steps = x, y, head, recipe, recipe.steps
        self.folds = folds
        self.feeder = Feeder(learn, recipe.batch, seed)
        rng = np.random.default_rng([seed, 7])
        # Members of one fold are watched on the same lines, so that their losses can be compared.
        watched: dict[int, NDArray[np.intp]] = {}
        for fold in folds:
            if id(fold) not in watched:
                watched[id(fold)] = rng.permutation(fold.watch)[:LOOK_LINES]
        self.watched = [watched[id(fold)] for fold in folds]
        self.steps_are_own = len(watched) < len(folds) or min(map(len, self.watched)) >= LINES_FOR_OWN_STEP
        self.pool = jax.device_put(rng.random(POOL, dtype=np.float32))
        self.rows = lent_zeros((recipe.chunk, len(folds), recipe.batch, padded_width(x.shape[1])))
        self.seed = seed
        first = first_params(x, learn, head, recipes, masks, numbers, seed)
        self.params = _on_device(first)
        trained = {n: v for n, v in self.params.items() if rate_of(n)}
        self.state = first_state(recipe, trained)
        self.best = Members({n: np.array(v) for n, v in first.items()}, [0] * len(folds), [np.inf] * len(folds), recipe)

    def run(self, pace: Pace, on_look: Callable[[Look], None], should_stop: Callable[[], bool], kept: Part) -> Members:
        step, is_done = self._gone_on(kept)
        if is_done:
            return self.best
        since_look: list[NDArray[np.float32]] = []
        stop = False
        while step < self.steps and not stop:
            since_look.append(self._chunk(step))
            step += self.recipe.chunk
            self.steps = pace.steps_within(step, self.steps, self.recipe.chunk)
            stop = should_stop()
            if stop or step % self.recipe.look_every == 0 or step >= self.steps:
                on_look(self._look(step, np.mean(since_look, axis=0)))
                since_look = []
                if kept.is_due():
                    self._keep(kept, step)
            if step - max(self.best.best_steps) > PATIENCE * self.steps:
                break
        cut = "time limit" if self.steps < self.recipe.steps else None
        self.best.stopped = "cancelled" if stop else cut
        if not stop:
            self._keep(kept, step, is_done=True)
        return self.best

    def _gone_on(self, kept: Part) -> tuple[int, bool]:
        """The step that was reached before, and whether there is nothing left to do."""
        found = kept.read()
        if found is None or not resume.fits(found, self.best, self.params, self.state):
            return 0, False
        notes = found.notes
        looks = [Look(*look) for look in notes["looks"]]
        self.best = Members(
            resume.of(found, "best"), notes["best_steps"], notes["best_losses"], self.recipe, looks, notes["stopped"]
        )
        if not notes["is_done"]:
            self.steps = notes["steps"]
            self.params = _on_device(resume.of(found, "params"))
            self.state = resume.state_like(self.state, found)
        return notes["step"], notes["is_done"]

    def _keep(self, kept: Part, step: int, *, is_done: bool = False) -> None:
        resume.keep(kept, self.best, step=step, steps=self.steps, params=self.params, state=self.state, is_done=is_done)

    def _chunk(self, step: int) -> NDArray[np.float32]:
        recipe = self.recipe
        lines = self.feeder.lines(step, recipe.chunk)
        self._fill(lines)
        shares = (np.arange(step, step + recipe.chunk, dtype=np.float32) + 0.5) / self.steps
        most = POOL - lines.shape[1] * recipe.batch * max(recipe.hidden)
        chance = np.random.default_rng([self.seed, 11, step])
        offsets = chance.integers(0, max(most, 1), (recipe.chunk, len(recipe.hidden)), dtype=np.int32)
        chunk = Chunk(self.rows, self.y[lines], np.minimum(shares, 1.0), offsets)
        self.params, self.state, errors = run_chunk(
            self.params, self.state, self.pool, chunk, head=self.head, recipe=_compiled(recipe)
        )
        return np.asarray(errors)

    def _fill(self, lines: NDArray[np.intp]) -> None:
        """Put the lines into `rows`, as each member's fold sees them. The chunk before is through with it."""
        for own, rows in zip(lines, self.rows, strict=True):
            rows[..., : self.x.shape[1]] = self.x[own]
            for k, fold in enumerate(self.folds):
                fold.show(rows[k], own[k])

    def _look(self, step: int, errors: NDArray[np.float32]) -> Look:
        """Watch every member on its own fold and keep those that are better than ever."""
        params = {name: np.asarray(value) for name, value in self.params.items()}
        found = answers_on(params, self.x, self.watched, self.recipe, self.folds)
        losses = [
            mean_loss(logits, self.y[lines], self.head) for logits, lines in zip(found, self.watched, strict=True)
        ]
        for k in self._better(losses):
            self.best.best_losses[k], self.best.best_steps[k] = losses[k], step
            for name, value in params.items():
                if value.ndim and name not in SHARED:
                    self.best.params[name][k] = value[k]
        look = Look(
            step,
            self.steps,
            float(errors.mean()),
            float(np.mean(losses)),
            float(np.mean(self.best.best_losses)),
        )
        self.best.looks.append(look)
        return look

    def _better(self, losses: list[float]) -> list[int]:
        """The members that are better than ever: each by itself, or all together."""
        best = self.best.best_losses
        if self.steps_are_own:
            return [k for k, loss in enumerate(losses) if loss < best[k]]
        return list(range(len(losses))) if np.mean(losses) < np.mean(best) else []


def _on_device(params: dict[str, Floats]) -> dict[str, jax.Array]:
    # asarray() would compile a program for each shape, which takes longer than the copy.
    return {name: jax.device_put(np.array(value)) for name, value in params.items()}


class Pace:
    """Shortens the plan to what the time left allows, so that the rate still fades to its end."""

    def __init__(self, deadline: float | None, clock: Callable[[], float]) -> None:
        self.deadline, self.clock = deadline, clock
        self._started: tuple[float, int] | None = None

    def steps_within(self, step: int, steps: int, chunk: int) -> int:
        """How many of `steps` there will be time for, now that `step` are done."""
        if self.deadline is None:
            return steps
        now = self.clock()
        if now >= self.deadline:
            return step
        if self._started is None:  # the first chunk compiles, which says nothing about the pace
            self._started = (now, step)
            return steps
        since, first = self._started
        rate = (step - first) / max(now - since, 1e-6)
        possible = step + int((self.deadline - now) * 0.9 * rate) // chunk * chunk
        return min(steps, possible)


def _compiled(recipe: Recipe) -> Recipe:
    """What of the recipe the compiled step depends on: runs of any length share one program."""
    return Recipe(
        recipe.hidden, recipe.activation, 0.0, recipe.optimizer, 0.0, 0.0, recipe.batch, 0, 0, recipe.chunk,
        recipe.waves,
    )  # fmt: skip


def answers_on(
    params: dict[str, Floats],
    x: Floats,
    lines: list[NDArray[np.intp]],
    recipe: Recipe,
    folds: list[Fold] | None = None,
) -> list[Floats]:
    """Each member's answers on its own lines, as its fold sees them; in parts of one size, so that one program does."""
    width, part = params["scale"].shape[1], 1024
    longest = max(rows.size for rows in lines)
    found: list[list[Floats]] = [[] for _ in lines]
    block = lent_zeros((len(lines), part, width))
    for start in range(0, longest, part):
        for k, rows in enumerate(lines):
            taken = rows[start : start + part]
            block[k, : taken.size, : x.shape[1]] = folds[k].rows(x, taken) if folds else x[taken]
        logits = np.asarray(run_answers(params, block, recipe=_compiled(recipe)))
        for k, rows in enumerate(lines):
            found[k].append(logits[k, : max(0, min(part, rows.size - start))])
    return [np.concatenate(parts) for parts in found]
