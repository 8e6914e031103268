"""Members, linear model and constant put together: trained on folds, blended by what they do out of fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.learning.blend import Blend, blend_labels, blend_numbers, intervals
from ml.learning.encoding.encoder import Encoder
from ml.learning.encoding.fit import Encoded
from ml.learning.encoding.outputs import LabelOutput, NumberOutput, Output, spans
from ml.learning.graph import Part
from ml.learning.levels import Level
from ml.learning.linear import Linear, fit_linear
from ml.learning.network.losses import softmax
from ml.learning.network.shape import Head, Recipe
from ml.learning.network.train import Fold, Look, Members, train_members
from ml.learning.targets import Targets

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Everything the graph and the card are made of; `encoder` has its outputs calibrated."""

    members: Members
    parts: list[Part]
    encoder: Encoder


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
    recipe: Recipe,
    level: Level,
    *,
    learning: Rows,
    folds: NDArray[np.int8],
    seed: int,
    deadline: float | None,
    on_look: Callable[[Look], None],
    should_stop: Callable[[], bool],
) -> Fitted:
    """Train the members of `level`, then calibrate and blend each output. Raises TrainingCancelled."""
    parted = [Fold(learning[folds != k], learning[folds == k]) for k in range(level.members)]
    members = train_members(
        encoded.x, targets.y, parted, targets.heads, recipe,
        seed=seed, deadline=deadline, on_look=on_look, should_stop=should_stop,
    )  # fmt: skip
    watched = members.answers(encoded.x, [fold.watch for fold in parted])
    plain = encoded.encoder.plain
    parts, outputs = [], []
    for i, (start, end) in enumerate(spans(targets.outputs)):
        own = _OutOfFold(encoded.x, targets, i, plain, parted, [answers[:, start:end] for answers in watched])
        part, output = own.blend(learning)
        parts.append(part)
        outputs.append(output)
    return Fitted(members, parts, replace(encoded.encoder, outputs=tuple(outputs)))


@dataclass
class _OutOfFold:
    """What each part said of lines it had not learnt from, for one output."""

    x: NDArray[np.float32]
    targets: Targets
    place: int
    plain: Rows
    folds: list[Fold]
    answers: list[NDArray[np.float32]]

    def blend(self, learning: Rows) -> tuple[Part, Output]:
        head, output = self.targets.heads[self.place], self.targets.outputs[self.place]
        watched = np.concatenate([fold.watch for fold in self.folds])
        known = ~np.isnan(self.targets.y[watched, self.place])
        true = self.targets.y[watched, self.place][known].astype(np.float64)
        network = np.concatenate(self.answers)[known].astype(np.float64)
        linear = np.concatenate([self._linear(fold.learn).answers(self._plain(fold.watch)) for fold in self.folds])[known]
        constant = self._constant(learning, head)
        if isinstance(output, LabelOutput):
            blend = blend_labels(network, linear, constant, true.astype(np.intp), head)
            calibrated: Output = replace(output, temperature=blend.temperature)
        else:
            blend = blend_numbers(network[:, 0], linear[:, 0], true, head)
            calibrated = _with_intervals(output, blend, network[:, 0], linear[:, 0], true)
        return Part(head, self._widened(self._linear(learning)), constant, blend), calibrated

    def _plain(self, rows: Rows) -> NDArray[np.float32]:
        return self.x[np.ix_(rows, self.plain)]

    def _linear(self, rows: Rows) -> Linear:
        y = self.targets.y[rows, self.place]
        known = ~np.isnan(y)
        return fit_linear(self._plain(rows[known]), y[known], self.targets.heads[self.place])

    def _widened(self, linear: Linear) -> Linear:
        """The linear model on all encoded columns; those it was not given weigh nothing."""
        weights = np.zeros((self.x.shape[1], linear.weights.shape[1]))
        weights[self.plain] = linear.weights
        return Linear(weights, linear.intercept)

    def _constant(self, rows: Rows, head: Head) -> NDArray[np.float64]:
        if not head.is_label:
            return np.zeros(1)
        y = self.targets.y[rows, self.place]
        counts = np.bincount(y[~np.isnan(y)].astype(np.intp), minlength=head.width) + 0.5
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
