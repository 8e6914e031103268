"""Learners, linear model and constant put together: trained on folds, blended by what they do out of fold."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.learning.blend import Blend, blend_labels, blend_numbers, intervals
from ml.learning.checkpoints import Checkpoints
from ml.learning.course import Course
from ml.learning.encoding.encoder import Encoder
from ml.learning.encoding.fit import Encoded
from ml.learning.encoding.outputs import NumberOutput, Output
from ml.learning.ensemble import mixture
from ml.learning.graph import Part, Served, ServedKernel, ServedNetwork, ServedTrees, tensors_of
from ml.learning.kernel import Kernel
from ml.learning.learners import Learner, Learning, error_of, work_of
from ml.learning.levels import Level, within_work
from ml.learning.linear import Linear, fit_linear
from ml.learning.network.fold import Fold
from ml.learning.network.losses import softmax
from ml.learning.network.shape import Head, lines_of_a_step, recipe_for
from ml.learning.network.train import Look, Members
from ml.learning.plan import TrainingPlan
from ml.learning.targets import Targets
from ml.learning.trees.forest import as_many_as_fit, forest_of

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Everything the graph and the card are made of; `encoder` has its outputs calibrated.

    `members[i]` are the usual networks of output i: each output has its own, because the step at which one is at its
    best is not the other's. `learners[i]` and `tried[i]` are what the card says of all others.
    """

    members: list[Members]
    learners: list[list[dict[str, Any]]]
    tried: list[list[dict[str, Any]]]
    parts: list[Part]
    encoder: Encoder
    stopped: str | None


def folds_of(targets: Targets, learning: Rows, count: int, seed: int) -> NDArray[np.int8]:
    """A fold for each learning line, every label spread evenly over them."""
    rng = np.random.default_rng([seed, 3])
    order = rng.permutation(learning.size)
    first = targets.y[learning[order], 0]
    if targets.heads[0].is_label:
        order = order[np.argsort(np.nan_to_num(first, nan=-1.0), kind="stable")]
    folds = np.empty(learning.size, dtype=np.int8)
    folds[order] = np.arange(learning.size) % count
    return folds


def fit(
    encoded: Encoded,
    targets: Targets,
    plan: TrainingPlan,
    level: Level,
    *,
    learning: Rows,
    folds: NDArray[np.int8],
    deadline: float | None,
    on_look: Callable[[Look], None],
    on_part: Callable[[float], None] = lambda share: None,
    should_stop: Callable[[], bool],
    checkpoints: Checkpoints | None = None,
) -> Fitted:
    """Train the learners of `level` for each output, then calibrate and blend them."""
    outputs = [_output(encoded, targets, i, learning, folds, level) for i in range(len(targets.outputs))]
    levels = [_level_for(own, encoded, level) for own in outputs]
    averages = encoded.encoder.averages.size > 0
    work = [work_of(own_level, own.folds, averages=averages) for own_level, own in zip(levels, outputs, strict=True)]
    found = []
    for i, own in enumerate(outputs):
        course = Course(
            sum(work),
            on_look,
            on_part,
            should_stop,
            _share_of_time(deadline, len(outputs) - i),
            done=sum(work[:i]),
            checkpoints=checkpoints or Checkpoints(),
            name=f"output {i}",
        )
        found.append(_fit_output(own, encoded, plan, levels[i], course))
    return Fitted(
        [one.networks for one in found],
        [one.learners for one in found],
        [one.tried for one in found],
        [one.part for one in found],
        replace(encoded.encoder, outputs=tuple(one.output for one in found)),
        next((one.stopped for one in found if one.stopped), None),
    )


def _level_for(own: _Output, encoded: Encoded, level: Level) -> Level:
    return within_work(level, columns=encoded.encoder.width, batch=lines_of_a_step(own.lines.size))


@dataclass(frozen=True, slots=True)
class _FittedOutput:
    networks: Members
    learners: list[dict[str, Any]]
    tried: list[dict[str, Any]]
    part: Part
    output: Output
    stopped: str | None


def _fit_output(own: _Output, encoded: Encoded, plan: TrainingPlan, level: Level, course: Course) -> _FittedOutput:
    learning = own.learning(encoded, plan, level, course)
    learners = learning.learners(level, network_only=plan.shape.network_only)
    shares, product = learning.shares(learners)
    part, output = own.blend(learners, shares, encoded.encoder, product=product)
    networks = learners[0].model
    assert isinstance(networks, Members)
    stopped = [learner.stopped for learner in learners] + _ended(course)
    return _FittedOutput(
        networks,
        _notes(learners, part, own),
        learning.tried,
        part,
        output,
        next((reason for reason in stopped if reason), None),
    )


def _ended(course: Course) -> list[str | None]:
    """Why parts of a search may be missing."""
    return [("cancelled" if course.should_stop() else "time limit") if course.was_cut else None]


def _notes(learners: list[Learner], part: Part, own: _Output) -> list[dict[str, Any]]:
    """What the card says of each learner; shares are of the learners' part of the blend."""
    shares = {served.name: served.share for served in part.learners}
    return [
        {
            "name": learner.name,
            "kind": learner.kind,
            "share": shares.get(learner.name, 0.0),
            "temperature": learner.temperature,
            "out_of_fold_loss": error_of(learner, own.watched_true, own.head),
        }
        for learner in learners
    ]


def _share_of_time(deadline: float | None, outputs_left: int) -> float | None:
    now = time.monotonic()
    return None if deadline is None else now + (deadline - now) / outputs_left


def _output(
    encoded: Encoded, targets: Targets, i: int, learning: Rows, folds: NDArray[np.int8], level: Level
) -> _Output:
    y = targets.y[:, i]
    known = ~np.isnan(y[learning])
    lines, folds = learning[known], folds[known]
    parted = [Fold(lines[folds != k], lines[folds == k], encoded.own(k)) for k in range(level.members)]
    return _Output(encoded.x, encoded.encoder.plain, y, targets.heads[i], targets.outputs[i], lines, parted)


@dataclass(frozen=True, slots=True)
class _Output:
    """One output with the lines it is known for; what is said of lines out of fold decides the blend."""

    x: NDArray[np.float32]
    plain: Rows
    y: NDArray[np.float32]
    head: Head
    output: Output
    lines: Rows
    folds: list[Fold]

    def learning(self, encoded: Encoded, plan: TrainingPlan, level: Level, course: Course) -> Learning:
        usual = recipe_for(
            plan.shape, self.head, optimizer=plan.optimizer, steps=level.steps, learning_lines=self.lines.size
        )
        return Learning(encoded, self.y, self.head, self.folds, usual, plan.seed, course)

    @property
    def watched_true(self) -> NDArray[np.float64]:
        return np.asarray(self.y[np.concatenate([fold.watch for fold in self.folds])], dtype=np.float64)

    def blend(
        self, learners: list[Learner], shares: list[float], encoder: Encoder, *, product: bool
    ) -> tuple[Part, Output]:
        true = self.watched_true
        together = mixture([learner.watched for learner in learners], shares, product=product)
        plain = np.ascontiguousarray(self.x[:, self.plain])
        linear = np.concatenate([self._watched_linear(plain, fold.among(self.plain)) for fold in self.folds])
        constant = self._constant()
        if self.head.is_label:
            blend = blend_labels(together, linear, constant, true.astype(np.intp), self.head)
        else:
            blend = blend_numbers(together[:, 0], linear[:, 0], true, self.head)
        output = self.output
        if isinstance(output, NumberOutput):
            output = _with_intervals(output, blend, together[:, 0], linear[:, 0], true)
        kept = zip(learners, shares, strict=True)
        served = tuple(_served(own, share, encoder, self.head) for own, share in kept if share)
        return Part(self.head, served, self._linear(plain), constant, blend, product), output

    def _watched_linear(self, plain: NDArray[np.float32], fold: Fold) -> NDArray[np.float64]:
        """What a linear model of the fold says of the lines that were watched."""
        learnt, watched = (fold.rows(plain, rows) for rows in (fold.learn, fold.watch))
        return fit_linear(learnt, self.y[fold.learn], self.head).answers(watched)

    def _linear(self, plain: NDArray[np.float32]) -> Linear:
        """Of all lines, on all encoded columns; those it was not given weigh nothing."""
        linear = fit_linear(plain[self.lines], self.y[self.lines], self.head)
        weights = np.zeros((self.x.shape[1], linear.weights.shape[1]))
        weights[self.plain] = linear.weights
        return Linear(weights, linear.intercept)

    def _constant(self) -> NDArray[np.float64]:
        if not self.head.is_label:
            return np.zeros(1)
        counts = np.bincount(self.y[self.lines].astype(np.intp), minlength=self.head.width) + 0.5
        result: NDArray[np.float64] = counts / counts.sum()
        return result


def _with_intervals(
    output: NumberOutput,
    blend: Blend,
    learners: NDArray[np.float64],
    linear: NDArray[np.float64],
    true: NDArray[np.float64],
) -> NumberOutput:
    values = output.value(blend.learners * learners + blend.linear * linear)
    return replace(output, intervals=intervals(values, true * output.std + output.mean))


def _served(learner: Learner, share: float, encoder: Encoder, head: Head) -> Served:
    if isinstance(learner.model, Members):
        tensors = tensors_of(learner.model.params, encoder.width)
        return ServedNetwork(learner.name, share, learner.temperature, tensors, learner.model.recipe.activation)
    assert learner.columns is not None
    if isinstance(learner.model, Kernel):
        tensors = learner.model.tensors(learner.columns, encoder.width)
        return ServedKernel(learner.name, share, learner.temperature, tensors, learner.model.sharpness)
    forest = forest_of(as_many_as_fit([grown.text for grown in learner.model]), learner.columns, head.width)
    return ServedTrees(learner.name, share, learner.temperature, forest)


def baseline_answers(part: Part, x: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the constant and the linear model alone answer to encoded lines."""
    constant = np.broadcast_to(part.constant, (len(x), part.head.width))
    linear = part.linear.answers(x)
    return constant, softmax(linear) if part.head.is_label else linear
