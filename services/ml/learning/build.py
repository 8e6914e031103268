"""Encodes, trains, evaluates and exports what was read; the only part of a training that needs JAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors.numpy import save

from ml.learning.card import card_of
from ml.learning.checkpoints import Checkpoints
from ml.learning.encoding.fit import Encoded, fit_encoder
from ml.learning.evaluate import Evaluation
from ml.learning.fitting import Fitted, fit, folds_of
from ml.learning.graph import Part, ServedKernel, ServedNetwork, ServedTrees, build_graph
from ml.learning.levels import Level
from ml.learning.material import Material
from ml.learning.plan import TrainingPlan
from ml.learning.progress import Reporter
from ml.learning.solver import Solver
from ml.learning.store import CARD, ENCODER, GRAPH, TENSORS, json_bytes

# Of a time limit: what the baseline of boosted trees may take after the training.
BASELINE_SHARE = 0.04


@dataclass(frozen=True, slots=True)
class Built:
    """A model ready to be stored; `card` lacks the seconds, which are known last."""

    encoder: bytes
    graph: bytes
    tensors: bytes
    card: dict[str, Any]

    def files_with(self, card: dict[str, Any]) -> dict[str, bytes]:
        return {ENCODER: self.encoder, GRAPH: self.graph, TENSORS: self.tensors, CARD: json_bytes(card)}


def build(
    material: Material,
    plan: TrainingPlan,
    level: Level,
    reporter: Reporter,
    *,
    deadline: float | None,
    should_stop: Callable[[], bool],
    checkpoints: Checkpoints | None = None,
) -> Built:
    """Stopped early, it goes on with the best there is."""
    reporter.enter("encoding")
    folds = folds_of(material.targets, material.learning, level.folds, plan.seed)
    encoded = fit_encoder(material, folds, on_column=lambda done, of: reporter.part(done / of))
    reporter.enter("training")
    fitted = fit(
        encoded,
        material.targets,
        plan,
        level,
        learning=material.learning,
        folds=folds,
        deadline=deadline,
        on_look=reporter.look,
        on_part=reporter.part,
        should_stop=should_stop,
        checkpoints=checkpoints,
    )
    reporter.enter("evaluating")
    until = None if deadline is None or plan.time_limit is None else deadline + BASELINE_SHARE * plan.time_limit
    return _export(material, plan, level, encoded, fitted, reporter, until, should_stop)


def _export(
    material: Material,
    plan: TrainingPlan,
    level: Level,
    encoded: Encoded,
    fitted: Fitted,
    reporter: Reporter,
    until: float | None,
    should_stop: Callable[[], bool],
) -> Built:
    """The figures are those of the exported graph, as it will be served."""
    columns = encoded.encoder.width
    graph = build_graph(fitted.parts, columns)
    answers = Solver(fitted.encoder, graph).answers
    judge = Evaluation(answers, fitted.encoder, fitted.parts, material, encoded.x, plan.seed, until, should_stop)
    metrics = judge.metrics()
    reporter.part(0.5)
    card = card_of(
        plan,
        level,
        material,
        fitted=fitted,
        metrics=metrics,
        importance=judge.importance(),
    )
    return Built(json_bytes(fitted.encoder.to_json()), graph, _weights(fitted.parts), card)


def _weights(parts: list[Part]) -> bytes:
    """Everything that was learnt but the encoding, by output and learner: network layers, trees, linear, constant."""
    found: dict[str, np.ndarray[Any, Any]] = {}
    for i, part in enumerate(parts):
        for j, learner in enumerate(part.learners):
            if isinstance(learner, ServedNetwork | ServedKernel):
                found.update({f"{i}.{j}.{name}": value for name, value in learner.tensors.items()})
            elif isinstance(learner, ServedTrees):
                found.update({f"{i}.{j}.{name}": value for name, value in learner.forest.tensors().items()})
        plain = {"weights": part.linear.weights, "intercept": part.linear.intercept, "constant": part.constant}
        found.update({f"{i}.{name}": value.astype(np.float32) for name, value in plain.items()})
    return bytes(save({name: np.ascontiguousarray(value) for name, value in found.items()}))
