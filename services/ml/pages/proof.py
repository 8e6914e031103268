"""What is shown of a machine to whoever may use it: how good it is, what matters to it, how a program asks it."""

from __future__ import annotations

import csv
import io
import json
from pprint import pformat
from typing import Any

from ml import queries
from ml.models import Machine
from service_base.pages import PageRequest

SHOWN_INPUTS, HIDDEN_INPUTS = 10, 40
SNIPPET_INPUTS = 60


def about(request: PageRequest, machine: Machine) -> dict[str, Any]:
    """What both the machine's page and its listing show."""
    model = machine.training_nn_model
    card = model.card if model else None
    importance = sorted(card["importance"].items(), key=lambda item: -item[1]) if card else []
    return {
        "machine": machine,
        "rights": queries.rights_of(request.caller, machine),
        "scores": queries.scores_of(machine),
        "card": card,
        "importance": importance[:SHOWN_INPUTS],
        "less_important": importance[SHOWN_INPUTS : SHOWN_INPUTS + HIDDEN_INPUTS],
        "outputs": _outputs(card),
        "use": queries.use_of([machine.pk]).get(machine.pk, queries.Use()),
        "snippets": _snippets(machine),
    }


def _outputs(card: dict[str, Any] | None) -> list[dict[str, Any]]:
    if card is None:
        return []
    return [
        {
            **{"name": name, **detail, **_confusion(detail), **_losses(card, name)},
            **{"off": _off(detail), "answering": answering(card, name)},
            **{"points_apart": _apart(detail), "by_chance": _by_chance(detail)},
        }
        for name, detail in card["metrics"]["outputs"].items()
    ]


def answering(card: dict[str, Any], output: str) -> list[tuple[str, float]]:
    """(who answers, how much it counts), most first, where it is not the usual networks alone."""
    found = [(own["name"], own["share"]) for own in card.get("learners", {}).get(output, ()) if own["share"]]
    if len(found) < 2 and all(name == "network, usual" for name, _ in found):
        return []
    blend = card["blend"][output]
    # Cards of before had no kernel machine.
    learners = blend["network"] + blend["trees"] + blend.get("kernel", 0.0)
    found = [(name, share * learners) for name, share in found]
    found += [(name, blend[part]) for part, name in (("linear", "linear model"), ("constant", "always the same"))]
    return sorted((part for part in found if part[1] > 0), key=lambda part: -part[1])


def _apart(detail: dict[str, Any]) -> float | None:
    error = detail.get("calibration", {}).get("expected_calibration_error")
    return None if error is None else 100 * error


def _by_chance(detail: dict[str, Any]) -> dict[str, Any]:
    """What a model as sure and exactly as right would show, in percentage points; older cards do not say."""
    found = detail.get("calibration", {}).get("by_chance")
    return {"lines": detail["lines"], **{name: 100 * found[name] for name in ("mean", "most")}} if found else {}


def _off(detail: dict[str, Any]) -> list[float]:
    """Between which two errors nine of ten lie, where numbers are answered."""
    quantiles = detail.get("residuals", {}).get("quantiles", {})
    return [quantiles["0.05"], quantiles["0.95"]] if quantiles else []


def _confusion(detail: dict[str, Any]) -> dict[str, Any]:
    table = detail.get("confusion")
    if table is None:
        return {}
    rows = [
        {"label": label, "counts": [(count, _shade(count, counts)) for count in counts]}
        for label, counts in zip(table["labels"], table["matrix"], strict=True)
    ]
    return {"confusion_rows": rows, "confusion_labels": table["labels"]}


def _shade(count: int, row: list[int]) -> int:
    """How dark a cell is: 0 for none of its row's lines, 5 for all of them."""
    return -(-5 * count // max(1, sum(row)))


def _losses(card: dict[str, Any], output: str) -> dict[str, Any]:
    """The loss of the usual networks as they learnt, on the lines they learnt from and on others."""
    looks = card["networks"][output]["curve"]
    lines = [[look["train_loss"] for look in looks], [look["validation_loss"] for look in looks]]
    return {"losses": lines, "steps": [look["step"] for look in looks]}


def _snippets(machine: Machine) -> dict[str, str]:
    """One row of each input's most usual value: as a request's body for a shell, as CSV, and as Python writes it."""
    row: dict[str, Any] = {}
    for name in machine.mdc_columns_name_input[:SNIPPET_INPUTS]:
        median = machine.mdc_columns_median.get(name)
        is_number = machine.mdc_columns_data_type.get(name) == "FLOAT" and median is not None
        row[name] = median if is_number else machine.mdc_columns_mode.get(name)
    shell = json.dumps({"rows": [row]}, ensure_ascii=False).replace("'", "'\\''")
    return {"shell": shell, "csv": _csv(row), "python": pformat([row], width=100, sort_dicts=False)}


def _csv(row: dict[str, Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([row, row.values()])
    return text.getvalue().rstrip("\n")
