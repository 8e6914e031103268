"""What graphs need to know of a machine: its columns, its lines as they are now, and the graphs kept of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from ml.models import DataLine, Graph, Machine
from ml.queries.access import machine_for
from ml.rules.access import Right
from ml.rules.graphs import Facts
from service_base.callers import Caller
from service_base.errors import NotFound


def facts_of(machine: Machine) -> list[Facts]:
    """Each column with its type and how many different values it has."""
    kinds, counts = machine.mdc_columns_data_type, machine.mdc_columns_unique_values_count
    return [Facts(name, kinds[name], counts.get(name)) for name in machine.column_names if name in kinds]


def favourites_of(machine: Machine) -> list[str]:
    """Columns in the order in which a graph is worth looking at: what is predicted, then what matters most to it."""
    model = machine.training_nn_model
    importance = model.card.get("importance", {}) if model else {}
    matters = sorted(importance, key=lambda name: -importance[name])
    return list(dict.fromkeys([*machine.mdc_columns_name_output, *matters, *machine.mdc_columns_name_input]))


def drawn_lines(machine: Machine) -> list[DataLine]:
    """The stretches that graphs are drawn of: those the machine learns from."""
    return list(machine.data_lines.filter(purpose="learning").order_by("sequence"))


def version_of(machine: Machine, lines: Sequence[DataLine]) -> str:
    """Changes whenever a column read before may read otherwise now."""
    facts = [[line.sequence, line.sha256, line.file_format, line.dialect] for line in lines]
    return sha256(json.dumps([facts, machine.line_limit], sort_keys=True).encode()).hexdigest()


def graph_for(caller: Caller, graph_id: UUID, right: Right = Right.SEE) -> Graph:
    """A kept graph, if the caller has that right on its machine. Raises NotFound for any other, existing or not."""
    graph = Graph.objects.filter(pk=graph_id).first()
    if graph is None:
        raise NotFound("There is no such graph, or it is not yours.")
    graph.machine = machine_for(caller, graph.machine_id, right)
    return graph
