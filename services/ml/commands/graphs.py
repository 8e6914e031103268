"""Keeping graphs of a machine."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from ml.commands.machines import locked_machine
from ml.models import Graph, Machine
from ml.queries import facts_of
from ml.rules.graph_types import DIMENSIONS
from ml.rules.graphs import Specification, check
from service_base.errors import BadInput, Conflict

MOST_GRAPHS = 200
LONGEST_NAME = 200


@transaction.atomic
def keep_graph(*, machine_id: UUID, made_by: Any, specification: Specification, name: str = "") -> Graph:
    """Keep a graph that can be drawn of the machine's columns as they are now.

    Raises UnfitGraph for columns that do not fit, Conflict for more graphs than a page can list.
    """
    machine = locked_machine(machine_id)
    if machine.graphs.count() >= MOST_GRAPHS:
        raise Conflict(f"The machine has {MOST_GRAPHS} graphs already; delete one of them first.")
    graph = Graph(machine=machine, made_by=made_by)
    return _stored(graph, machine, specification, name)


@transaction.atomic
def change_graph(*, graph_id: UUID, specification: Specification, name: str) -> Graph:
    """Give a kept graph another specification and name. Raises UnfitGraph."""
    graph = Graph.objects.select_for_update().select_related("machine").get(pk=graph_id)
    return _stored(graph, graph.machine, specification, name)


@transaction.atomic
def delete_graph(*, graph_id: UUID) -> None:
    """Forget a kept graph; one that is gone already is fine."""
    Graph.objects.filter(pk=graph_id).delete()


def _stored(graph: Graph, machine: Machine, specification: Specification, name: str) -> Graph:
    check(specification, facts_of(machine))
    graph.graph_name = _clean_name(name)
    graph.graph_type, graph.palette = specification.graph_type, specification.palette
    graph.statistic = specification.statistic
    for dimension in DIMENSIONS:
        setattr(graph, dimension, specification.columns.get(dimension, ""))
    graph.save()
    return graph


def _clean_name(name: str) -> str:
    text = "".join(sign for sign in name if sign.isprintable()).strip()
    if len(text) > LONGEST_NAME:
        raise BadInput(f"A graph's name has at most {LONGEST_NAME} characters.", field="graph_name")
    return text
