"""Encodes, trains, evaluates and exports what was read; the only part of a training that needs JAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors.numpy import save

from ml.learning.card import card_of
from ml.learning.encoding.fit import Encoded, fit_encoder
from ml.learning.evaluate import Evaluation
from ml.learning.fitting import Fitted, fit, folds_of
from ml.learning.graph import build_graph, tensors_of
from ml.learning.levels import Level
from ml.learning.material import Material
from ml.learning.network.shape import recipe_for
from ml.learning.plan import TrainingPlan
from ml.learning.progress import Reporter
from ml.learning.solver import Solver
from ml.learning.store import CARD, ENCODER, GRAPH, TENSORS, json_bytes


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
) -> Built:
    """Raises TrainingCancelled when stopped before there was a network worth keeping."""
    reporter.enter("encoding")
    folds = folds_of(material.targets, material.learning, level.folds, plan.seed)
    encoded = fit_encoder(material, folds, on_column=lambda done, of: reporter.part(done / of))
    recipe = recipe_for(
        plan.shape,
        material.targets.heads,
        optimizer=plan.optimizer,
        steps=level.steps,
        learning_lines=material.learning.size,
    )
    reporter.enter("training")
    fitted = fit(
        encoded,
        material.targets,
        recipe,
        level,
        learning=material.learning,
        folds=folds,
        seed=plan.seed,
        deadline=deadline,
        on_look=reporter.look,
        should_stop=should_stop,
    )
    reporter.enter("evaluating")
    return _export(material, plan, level, encoded, fitted, reporter)


def _export(
    material: Material, plan: TrainingPlan, level: Level, encoded: Encoded, fitted: Fitted, reporter: Reporter
) -> Built:
    """The figures are those of the exported graph, as it will be served."""
    columns = encoded.encoder.width
    tensors = tensors_of(fitted.members.params, columns)
    graph = build_graph(tensors, fitted.members.recipe, fitted.parts, columns)
    judge = Evaluation(
        Solver(fitted.encoder, graph).answers, fitted.encoder, fitted.parts, material, encoded.x, plan.seed
    )
    metrics = judge.metrics()
    reporter.part(0.5)
    card = card_of(
        plan,
        level,
        material,
        encoder=fitted.encoder,
        members=fitted.members,
        parts=fitted.parts,
        metrics=metrics,
        importance=judge.importance(),
    )
    for i, part in enumerate(fitted.parts):
        tensors[f"linear{i}.weights"] = part.linear.weights.astype(np.float32)
        tensors[f"linear{i}.intercept"] = part.linear.intercept.astype(np.float32)
        tensors[f"constant{i}"] = part.constant.astype(np.float32)
    contiguous = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    return Built(json_bytes(fitted.encoder.to_json()), graph, save(contiguous), card)
