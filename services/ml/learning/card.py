"""The model card: what was learnt from what, how well, how sure, how long it took and where its limits are."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

from ml.learning.drift import learnt_shares
from ml.learning.fitting import Fitted
from ml.learning.graph import Part, ServedKernel, ServedTrees
from ml.learning.levels import Level
from ml.learning.material import Material
from ml.learning.network.train import Members
from ml.learning.plan import TrainingPlan

VERSION = 1
_PACKAGES = ("jax", "optax", "numpy", "scipy", "onnx", "onnxruntime", "safetensors")
SMALL = 1000


def card_of(
    plan: TrainingPlan,
    level: Level,
    material: Material,
    *,
    fitted: Fitted,
    metrics: dict[str, Any],
    importance: dict[str, float],
) -> dict[str, Any]:
    """Everything but the seconds, which are known last."""
    report, encoder = material.report, fitted.encoder
    return {
        "version": VERSION,
        "level": level.number,
        "seed": plan.seed,
        "stopped": fitted.stopped,
        "data": _data(material, fitted),
        "encoded_columns": encoder.width,
        "networks": {
            output.column: _network(plan, members)
            for output, members in zip(encoder.outputs, fitted.members, strict=True)
        },
        "blend": {output.column: _blend(part) for output, part in zip(encoder.outputs, fitted.parts, strict=True)},
        "learners": {output.column: notes for output, notes in zip(encoder.outputs, fitted.learners, strict=True)},
        "tried": {output.column: notes for output, notes in zip(encoder.outputs, fitted.tried, strict=True)},
        "metrics": metrics,
        "learnt_shares": learnt_shares(material.loaded, material.learning, encoder),
        "importance": dict(sorted(importance.items(), key=lambda item: -item[1])),
        "warnings": {name: column.warnings for name, column in report.columns.items() if column.warnings},
        "limits": limits_of(metrics, fitted.stopped, material),
        "hardware": {"machine": platform.machine(), "processors": os.cpu_count(), "threads": 1, "kind": _kind()},
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}},
    }


def _kind() -> str:
    """What it was computed on: `cpu` or `gpu`."""
    import jax

    return jax.default_backend()


def _blend(part: Part) -> dict[str, Any]:
    """Shares of the whole; they sum to 1."""
    trees, kernel = (
        sum(learner.share for learner in part.learners if isinstance(learner, kind))
        for kind in (ServedTrees, ServedKernel)
    )
    return {
        "network": part.blend.learners * (1 - trees - kernel),
        "trees": part.blend.learners * trees,
        "kernel": part.blend.learners * kernel,
        "linear": part.blend.linear,
        "constant": part.blend.constant,
        "learners_are": "multiplied" if part.product else "added",
        "temperature": part.learners[0].temperature,
        "out_of_fold_loss": part.blend.errors,
    }


def _data(material: Material, fitted: Fitted) -> dict[str, Any]:
    report, encoder = material.report, fitted.encoder
    return {
        "lines": report.line_count,
        "bad_lines": report.bad_line_count,
        "learning_lines": material.learning.size,
        "evaluation_lines": material.evaluation.size,
        "inputs": {name: str(report.columns[name].type) for name in encoder.input_columns},
        "outputs": {output.column: str(report.columns[output.column].type) for output in encoder.outputs},
        "left_out": material.left_out,
    }


def _network(plan: TrainingPlan, members: Members) -> dict[str, Any]:
    recipe = members.recipe
    return {
        "hidden": list(recipe.hidden),
        "activation": recipe.activation,
        "dropout": recipe.dropout,
        "optimizer": recipe.optimizer,
        "learning_rate": recipe.learning_rate,
        "batch": recipe.batch,
        "loss": plan.loss or "auto",
        "members": len(members.best_steps),
        "steps": members.looks[-1].step,
        "best_steps": members.best_steps,
        "weights": int(sum(value.size for name, value in members.params.items() if name[0] in "wb")),
        "curve": [
            {"step": look.step, "train_loss": look.train_loss, "validation_loss": look.validation_loss}
            for look in members.looks
        ],
    }


def limits_of(metrics: dict[str, Any], stopped: str | None, material: Material) -> list[str]:
    """Sentences a person should read before trusting the model."""
    report, learning, evaluation = material.report, material.learning.size, material.evaluation.size
    found = []
    for column, detail in metrics["outputs"].items():
        if not detail["beats_constant"]:
            found.append(f"{column}: on held-out lines the model is no better than always giving the same answer.")
        elif not detail["beats_linear"]:
            found.append(f"{column}: on held-out lines a linear model does as well or better.")
        elif not detail.get("beats_boosted", True):
            found.append(f"{column}: on held-out lines LightGBM as it comes does as well or better.")
    if learning < SMALL:
        found.append(f"Learnt from {learning} lines: with so few, all figures are rough.")
    elif learning + evaluation < 0.99 * report.line_count:
        found.append(f"Learnt from {learning} and judged on {evaluation} of {report.line_count} lines.")
    if report.bad_line_count:
        found.append(f"{report.bad_line_count} lines could not be read and were left out.")
    if stopped:
        found.append(f"The training ended early ({stopped}); the best networks so far were kept.")
    return found
