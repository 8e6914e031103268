"""The builder's form: which graph an address means, and what can be chosen instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ml.rules.graph_types import GRAPH_TYPES, STATISTICS, Takes
from ml.rules.graphs import (
    Facts,
    Specification,
    UnfitGraph,
    check,
    completed,
    specification,
    suggest,
    unfit,
    why_not,
)
from ml.rules.palettes import PALETTES
from service_base.errors import Refusal

# Up to so many columns stand in a list to choose from, with what does not fit and why; more are typed, with help.
MOST_LISTED, MOST_HELP = 60, 300
COLOURED_UP_TO = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be put on one dimension."""

    dimension: str
    value: str
    means: str
    needs: str
    required: bool
    fitting: list[str]
    unfit: list[tuple[str, str]]
    is_listed: bool


@dataclass(frozen=True, slots=True)
class Form:
    """Everything there is to choose."""

    spec: Specification
    choices: list[Choice]
    types: list[dict[str, Any]]
    unfit_types: list[dict[str, Any]]
    palettes: list[str]
    statistics: list[str]
    names: list[str]


def wanted_graph(
    given: Mapping[str, Any], table: Sequence[Facts], favourites: Sequence[str]
) -> tuple[Specification, Refusal | None]:
    """The graph that an address means, and why it cannot be drawn, if it cannot.

    An empty address begins with the first type that fits; where another type was just chosen, columns move with it.
    """
    try:
        spec = specification(given, [facts.name for facts in table])
    except UnfitGraph as refusal:
        return _first(table, favourites), refusal
    if not given.get("graph_type") and not spec.columns:
        spec = replace(_first(table, favourites), palette=spec.palette)
    elif (given.get("was") and given["was"] != str(spec.graph_type)) or not spec.columns:
        spec = completed(spec, table, favourites=favourites)
    try:
        return check(spec, table), None
    except UnfitGraph as refusal:
        return spec, refusal


def _first(table: Sequence[Facts], favourites: Sequence[str]) -> Specification:
    for kind in GRAPH_TYPES.values():
        if found := suggest(kind, table, favourites=favourites):
            return _coloured(found, table, favourites)
    return Specification()


def _coloured(spec: Specification, table: Sequence[Facts], favourites: Sequence[str]) -> Specification:
    """Coloured by what is predicted, where that is a handful of labels."""
    by_name = {facts.name: facts for facts in table}
    takes = spec.type.takes.get("hue")
    if takes is None or "hue" in spec.columns or not favourites or favourites[0] not in by_name:
        return spec
    output = by_name[favourites[0]]
    is_handful = output.kind == "LABEL" and (output.distinct or 99) <= COLOURED_UP_TO
    if not is_handful or unfit(output, takes) or output.name in spec.columns.values():
        return spec
    return replace(spec, columns={**spec.columns, "hue": output.name})


def form_of(spec: Specification, table: Sequence[Facts], favourites: Sequence[str]) -> Form:
    """The form that shows a specification."""
    rank = {name: place for place, name in enumerate(favourites)}
    ordered = sorted(table, key=lambda facts: rank.get(facts.name, len(rank)))
    reasons = {kind.number: why_not(kind, table) for kind in GRAPH_TYPES.values()}
    types = [{"type": kind, "why_not": reasons[kind.number]} for kind in GRAPH_TYPES.values()]
    return Form(
        spec,
        [_choice(spec, dimension, takes, ordered) for dimension, takes in spec.type.takes.items()],
        types,
        [entry for entry in types if entry["why_not"]],
        list(PALETTES),
        list(STATISTICS) if spec.type.has_statistic else [],
        [] if len(table) <= MOST_LISTED else [facts.name for facts in ordered[:MOST_HELP]],
    )


def _choice(spec: Specification, dimension: str, takes: Takes, table: Sequence[Facts]) -> Choice:
    is_listed = len(table) <= MOST_LISTED
    reasons = [(facts.name, unfit(facts, takes)) for facts in table] if is_listed else []
    fitting = [name for name, reason in reasons if not reason]
    value = spec.drawn.get(dimension, "")
    return Choice(
        dimension,
        value,
        takes.means,
        takes.needs,
        takes.required,
        # What was asked for stays chosen, although it does not fit: the form says what the refusal is about.
        fitting if value in ("", *fitting) or not is_listed else [value, *fitting],
        [(name, reason) for name, reason in reasons if reason and name != value],
        is_listed,
    )
