"""Members, linear model and constant put together: trained on folds, blended by what they do out of fold."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.learning.blend import Blend, blend_labels, blend_numbers, intervals
from ml.learning.encoding.encoder import Encoder
from ml.learning.encoding.fit import Encoded
from ml.learning.encoding.outputs import LabelOutput, NumberOutput, Output
from ml.learning.graph import Part
from ml.learning.levels import Level
from ml.learning.linear import Linear, fit_linear
from ml.learning.network.losses import softmax
from ml.learning.network.shape import Head, recipe_for
from ml.learning.network.train import Fold, Look, Members, train_members
from ml.learning.plan import TrainingPlan
from ml.learning.targets import Targets

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Everything the graph and the card are made of; `encoder` has its outputs calibrated.

    `members[i]` are the networks of output i: each output has its own, because the step at which one is at its best
    is not the other's.
    """

    members: list[Members]
    parts: list[Part]
    encoder: Encoder

    @property
    def stopped(self) -> str | None:
        return next((members.stopped for members in self.members if members.stopped), None)


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
    should_stop: Callable[[], bool],
) -> Fitted:
    """Train the members of `level` for each output, then calibrate and blend them."""
    members, parts, outputs = [], [], []
    count = len(targets.outputs)
    for i in range(count):
        own = _output(encoded, targets, i, learning, folds, level)
        recipe = recipe_for(
            plan.shape,
            own.head,
            optimizer=plan.optimizer,
            steps=level.steps,
            learning_lines=own.lines.size,
        )
        trained = train_members(
            encoded.x,
            own.y,
            own.folds,
            own.head,
            recipe,
            seed=plan.seed,
            deadline=_share_of_time(deadline, count - i),
            on_look=_looks_of_all(on_look, i, count),
            should_stop=should_stop,
        )
        part, output = own.blend(trained)
        members.append(trained)
        parts.append(part)
        outputs.append(output)
    return Fitted(members, parts, replace(encoded.encoder, outputs=tuple(outputs)))


def _share_of_time(deadline: float | None, outputs_left: int) -> float | None:
    now = time.monotonic()
    return None if deadline is None else now + (deadline - now) / outputs_left


def _looks_of_all(on_look: Callable[[Look], None], i: int, count: int) -> Callable[[Look], None]:
    """A look at one output's networks, told as a part of the work on all outputs."""
    return lambda look: on_look(replace(look, step=i * look.steps + look.step, steps=count * look.steps))


def _output(
    encoded: Encoded, targets: Targets, i: int, learning: Rows, folds: NDArray[np.int8], level: Level
) -> _Output:
    y = targets.y[:, i]
    known = ~np.isnan(y[learning])
    lines, folds = learning[known], folds[known]
    parted = [Fold(lines[folds != k], lines[folds == k]) for k in range(level.members)]
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

    def blend(self, members: Members) -> tuple[Part, Output]:
        watched = [fold.watch for fold in self.folds]
        true = self.y[np.concatenate(watched)].astype(np.float64)
        network = np.concatenate(members.answers(self.x, watched)).astype(np.float64)
        linear = np.concatenate([self._linear(fold.learn).answers(self._plain(fold.watch)) for fold in self.folds])
        constant = self._constant()
        if isinstance(self.output, LabelOutput):
            blend = blend_labels(network, linear, constant, true.astype(np.intp), self.head)
            calibrated: Output = replace(self.output, temperature=blend.temperature)
        else:
            blend = blend_numbers(network[:, 0], linear[:, 0], true, self.head)
            calibrated = _with_intervals(self.output, blend, network[:, 0], linear[:, 0], true)
        return Part(self.head, self._widened(self._linear(self.lines)), constant, blend), calibrated

    def _plain(self, rows: Rows) -> NDArray[np.float32]:
        return self.x[np.ix_(rows, self.plain)]

    def _linear(self, rows: Rows) -> Linear:
        return fit_linear(self._plain(rows), self.y[rows], self.head)

    def _widened(self, linear: Linear) -> Linear:
        """The linear model on all encoded columns; those it was not given weigh nothing."""
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
    network: NDArray[np.float64],
    linear: NDArray[np.float64],
    true: NDArray[np.float64],
) -> NumberOutput:
    values = output.value(blend.network * network + blend.linear * linear)
    return replace(output, intervals=intervals(values, true * output.std + output.mean))


def baseline_answers(part: Part, x: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the constant and the linear model alone answer to encoded lines."""
    constant = np.broadcast_to(part.constant, (len(x), part.head.width))
    linear = part.linear.answers(x)
    return constant, softmax(linear) if part.head.is_label else linear
