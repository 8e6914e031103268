"""What a stored model is worth: its answers on held-out lines beside those of what needs no machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.learning import scores
from ml.learning.encoding.encoder import Encoder
from ml.learning.encoding.moment import DAY, MomentInput
from ml.learning.encoding.number import NumberInput
from ml.learning.encoding.outputs import LabelOutput, NumberOutput, Output, spans
from ml.learning.fitting import baseline_answers
from ml.learning.graph import Part
from ml.learning.material import Material
from ml.learning.network.losses import label_errors
from ml.learning.network.shape import Head
from ml.learning.trees.baseline import boosted_baseline

# Learning lines looked at for the training figures, and lines permuted for each input's importance.
MOST_TRAINING_LINES = 5_000
MOST_PERMUTED_LINES = 1500
NOISE = 0.125

Rows = NDArray[np.intp]
Answers = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Judges `answers` (the model as it will be served) on lines encoded in `x`."""

    answers: Answers
    encoder: Encoder
    parts: list[Part]
    material: Material
    x: NDArray[np.float32]
    seed: int
    until: float | None = None
    should_stop: Callable[[], bool] = lambda: False

    def metrics(self) -> dict[str, Any]:
        """The eight numbers of the machine, and each output in detail."""
        rng = np.random.default_rng([self.seed, 13])
        learning = rng.permutation(self.material.learning)[:MOST_TRAINING_LINES]
        found: dict[str, Any] = {"loss": {}, "accuracy": {}}
        held_out = self.answers(self.x[self.material.evaluation])
        for name, rows, plain in (
            ("training", learning, self.answers(self.x[learning])),
            ("evaluation", self.material.evaluation, held_out),
        ):
            for suffix, said in (("", plain), ("_noise", self.answers(self._with_noise(rows, rng)))):
                found["loss"][name + suffix], found["accuracy"][name + suffix] = self._means(said, rows)
        found["outputs"] = self._outputs(held_out)
        return found

    def importance(self) -> dict[str, float]:
        """How much worse the model gets when an input's values are dealt out at random; shares sum to 1."""
        rng = np.random.default_rng([self.seed, 19])
        rows = rng.permutation(self.material.evaluation)[:MOST_PERMUTED_LINES]
        x = self.x[rows]
        before, _ = self._means(self.answers(x), rows)
        worse: dict[str, float] = {}
        for column, places in self.encoder.column_spans().items():
            mixed, order = x.copy(), rng.permutation(len(rows))
            for start, end in places:
                mixed[:, start:end] = x[order, start:end]
            worse[column] = max(0.0, self._means(self.answers(mixed), rows)[0] - before)
        total = sum(worse.values())
        return {column: value / total if total else 0.0 for column, value in worse.items()}

    def _means(self, answers: NDArray[np.float32], rows: Rows) -> tuple[float, float]:
        """Loss and accuracy, each the mean over the outputs."""
        losses, accuracies = [], []
        for i, (start, end) in enumerate(spans(self.encoder.outputs)):
            part, y, wrong, head = self._known(answers[:, start:end], rows, i)
            if len(y):
                losses.append(scores.mean_error(part, y, head))
                accuracies.append(scores.accuracy(part, y, head, wrong_anyway=wrong))
        return float(np.mean(losses)), float(np.mean(accuracies))

    def _known(self, answers: NDArray[Any], rows: Rows, i: int) -> tuple[NDArray[Any], NDArray[np.float32], int, Head]:
        y = self.material.targets.y[rows, i]
        known = ~np.isnan(y)
        output, part = self.encoder.outputs[i], answers[known]
        if isinstance(output, NumberOutput):  # as served: within what was learnt
            part = (output.value(part.astype(np.float64)) - output.mean) / output.std
        return (
            part,
            y[known],
            int(self.material.targets.unlearnt[rows, i].sum()),
            self.material.targets.heads[i],
        )

    def _outputs(self, answers: NDArray[np.float32]) -> dict[str, Any]:
        """From the answers to the lines of evaluation."""
        found = {}
        for i, (start, end) in enumerate(spans(self.encoder.outputs)):
            own, y, wrong, head = self._known(answers[:, start:end], self.material.evaluation, i)
            known = self.material.evaluation[~np.isnan(self.material.targets.y[self.material.evaluation, i])]
            output = self.encoder.outputs[i]
            judged = _Judged(output, head, y, self.seed)
            mine = judged.measure(own)
            detail = judged.detail(own, mine, wrong) | {"baselines": {}}
            for name, said in self._baselines(i, known).items():
                theirs = judged.measure(said)
                lead = scores.lead_of(mine, theirs, self.seed)
                detail["baselines"][name] = judged.brief(said, theirs, wrong) | {"lead": lead}
                detail[f"beats_{name}"] = mine.score.beats(theirs.score)
            found[output.column] = detail
        return found

    def _baselines(self, i: int, rows: Rows) -> dict[str, NDArray[np.float64]]:
        """What needs no machine answers to the lines; boosted trees only where there is LightGBM and time for them."""
        constant, linear = baseline_answers(self.parts[i], self.x[rows])
        boosted = boosted_baseline(
            self.material, i, rows, seed=self.seed, until=self.until, should_stop=self.should_stop
        )
        return {"constant": constant, "linear": linear} | ({} if boosted is None else {"boosted": boosted})

    def _with_noise(self, rows: Rows, rng: np.random.Generator) -> NDArray[np.float32]:
        """The lines with every number and date moved by up to an eighth of its usual range, up or down."""
        x = self.x[rows].copy()
        start = 0
        for entry in self.encoder.inputs:
            end = start + entry.width
            if isinstance(entry, (NumberInput, MomentInput)):
                values = self.material.loaded.numbers[entry.column]
                low, high = np.nanquantile(values[self.material.learning], (0.02, 0.98))
                moved = values[rows] + rng.uniform(-NOISE, NOISE, len(rows)) * (high - low)
                if isinstance(entry, MomentInput):
                    x[:, start : start + entry.bins.width] = entry.bins.batch(moved / DAY)
                else:
                    x[:, start:end] = entry.bins.batch(moved)
            start = end
        return x


@dataclass(frozen=True, slots=True)
class _Judged:
    """One output's true values, to judge answers by."""

    output: Output
    head: Head
    y: NDArray[np.float32]
    seed: int

    def measure(self, answers: NDArray[Any]) -> scores.Measure:
        if isinstance(self.output, LabelOutput):
            return scores.label_measure(answers, self.y.astype(np.intp))
        return scores.number_measure(self._values(answers), self._values(self.y[:, None]))

    def brief(self, answers: NDArray[Any], measure: scores.Measure, wrong: int) -> dict[str, Any]:
        return {
            "score": measure.score.to_json(),
            "loss": scores.mean_error(answers, self.y, self.head),
            "accuracy": scores.accuracy(answers, self.y, self.head, wrong_anyway=wrong),
        }

    def detail(self, answers: NDArray[Any], measure: scores.Measure, wrong: int) -> dict[str, Any]:
        found = {
            "kind": "label" if self.head.is_label else "number",
            "lines": len(self.y),
            **self.brief(answers, measure, wrong),
        }
        found["score"]["interval"] = scores.interval_of(measure, self.seed)
        codes = self.y.astype(np.intp)
        if isinstance(self.output, LabelOutput):
            found["logloss"] = float(label_errors(answers, codes, "crossentropy").mean())
            found["calibration"] = scores.calibration(answers, codes)
            found["confusion"] = scores.confusion(answers, codes, self.output.labels)
        else:
            values, true = self._values(answers), self._values(self.y[:, None])
            low, high = self.output.bounds(values) or (None, None)
            found["residuals"] = scores.residuals(values, true, low, high)
        return found

    def _values(self, answers: NDArray[Any]) -> NDArray[np.float64]:
        output = self.output
        assert isinstance(output, NumberOutput)
        return np.asarray(answers[:, 0], dtype=np.float64) * output.std + output.mean
