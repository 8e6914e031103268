"""Forms generated from a strategy's parameter schema, and read back into parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trading.rules.strategies import Strategy


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a form; `kind` is what the browser offers: number, text."""

    name: str
    label: str
    hint: str
    kind: str
    step: str
    value: str
    is_required: bool


def fields_of(kind: type[Strategy[Any]], given: Mapping[str, Any] | None = None) -> list[Field]:
    """The inputs of a strategy's parameters, in their order, filled with `given` or with the defaults."""
    properties = kind.parameters_type.model_json_schema()["properties"]
    return [_field(name, spec, (given or {}).get(name, spec.get("default"))) for name, spec in properties.items()]


def parameters_in(kind: type[Strategy[Any]], given: Mapping[str, str]) -> dict[str, Any]:
    """The parameters a form was sent with; an input left empty counts as not given."""
    names = kind.parameters_type.model_json_schema()["properties"]
    return {name: given[f"p.{name}"].strip() for name in names if given.get(f"p.{name}", "").strip()}


def _field(name: str, spec: dict[str, Any], value: Any) -> Field:
    kinds = {option.get("type") for option in spec.get("anyOf", [spec])}
    is_whole, is_number = "integer" in kinds, bool(kinds & {"number", "integer"})
    return Field(
        name=name,
        label=spec.get("title", name),
        hint=spec.get("description", ""),
        kind="number" if is_number else "text",
        step="1" if is_whole else "any",
        value="" if value is None else str(value),
        is_required="null" not in kinds and name != "machine_id",
    )
