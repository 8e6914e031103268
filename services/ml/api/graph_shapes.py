"""Shapes of the graph API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ninja import Schema
from pydantic import Field

from ml.models import Graph
from ml.rules.graph_types import DIMENSIONS, GRAPH_TYPES, GraphType
from ml.rules.graphs import Facts, Specification, suggest, unfit, why_not
from shared_models.clock import rfc3339

NAMED_COLUMNS = 300


class GraphQuestion(Schema):
    """A graph: its type by the original number, a column for each dimension, and how it looks."""

    graph_type: int = Field(default=1, description="1 to 13; GET /graph-types names them.")
    x: str = ""
    y: str = ""
    z: str = ""
    hue: str = Field(default="", description="A column; a palette's name is taken as `palette`, as in the original.")
    color: str = Field(default="", description="The older word for `hue`.")
    size: str = ""
    style: str = ""
    col: str = ""
    row: str = ""
    animation_frame: str = ""
    palette: str = ""
    statistic: str = Field(default="", description="mean, sum, median or count, for types that have one.")


class PictureQuestion(GraphQuestion):
    """The same, with what only a picture has."""

    frame: str = Field(default="", description="Which of the animation's pictures; empty is the first.")
    theme: str = Field(default="light", pattern="^(light|dark)$")


class GraphIn(GraphQuestion):
    """A graph to be kept."""

    graph_name: str = Field(default="", max_length=200)


def show_type(kind: GraphType) -> dict[str, Any]:
    """A type with its dimensions."""
    return {
        "graph_type": kind.number,
        "name": kind.name,
        "shows": kind.shows,
        "has_statistic": kind.has_statistic,
        "dimensions": [
            {
                "dimension": dimension,
                "means": takes.means,
                "takes": takes.needs,
                "required": takes.required,
                "at_most": takes.most or takes.exactly,
            }
            for dimension, takes in kind.takes.items()
        ],
    }


def show_fits(kind: GraphType, table: Sequence[Facts], favourites: Sequence[str]) -> dict[str, Any]:
    """Whether a type fits a table: columns for each dimension and a graph to begin with, or why it does not."""
    first = suggest(kind, table, favourites=favourites)
    columns = {
        dimension: [facts.name for facts in table if not unfit(facts, takes)][:NAMED_COLUMNS]
        for dimension, takes in kind.takes.items()
    }
    return {
        "graph_type": kind.number,
        "name": kind.name,
        "fits": first is not None,
        "why_not": why_not(kind, table),
        "suggestion": dict(first.columns) if first else None,
        "columns": columns,
    }


def show_specification(spec: Specification) -> dict[str, Any]:
    """A specification under the original field names."""
    found: dict[str, Any] = {"graph_type": spec.graph_type, "graph_type_name": spec.type.name}
    found |= {dimension: spec.columns.get(dimension, "") for dimension in DIMENSIONS}
    return found | {"palette": spec.palette, "statistic": spec.statistic}


def show_graph(graph: Graph) -> dict[str, Any]:
    """A kept graph."""
    return {
        "id": str(graph.pk),
        "machine_id": str(graph.machine_id),
        "graph_name": graph.graph_name,
        **show_specification(graph.specification),
        "made_by": str(graph.made_by_id),
        "timestamp": rfc3339(graph.created_at),
        "changed_at": rfc3339(graph.updated_at),
    }


ALL_TYPES = [show_type(kind) for kind in GRAPH_TYPES.values()]
