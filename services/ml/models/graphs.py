"""Graphs that people keep of a machine's table."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from ml.models.machines import Machine
from ml.rules.graph_types import DIMENSIONS, GRAPH_TYPES, STATISTICS
from ml.rules.graphs import Specification
from ml.rules.palettes import DEFAULT, PALETTES
from shared_models.fields import Timestamped, id_field, one_of

LONGEST_COLUMN = 300


def _column() -> models.CharField[str, str]:
    return models.CharField(max_length=LONGEST_COLUMN, blank=True)


class Graph(Timestamped):
    """One of the 13 graph types over columns of a machine; the picture is drawn anew whenever it is looked at.

    A column that a later correction of the machine removed is refused when the graph is drawn, not before.
    """

    id = id_field()
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="graphs")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="graphs")
    graph_name = models.CharField(max_length=200, blank=True)
    graph_type = models.IntegerField(default=1)
    palette = models.CharField(max_length=20, default=DEFAULT)
    statistic = models.CharField(max_length=10, default="mean")
    x, y, z, hue, color = _column(), _column(), _column(), _column(), _column()
    size, style, col, row, animation_frame = _column(), _column(), _column(), _column(), _column()

    class Meta:
        db_table = "graph"
        indexes = [models.Index(fields=["machine", "-created_at"], name="graphs_by_machine")]
        constraints = [
            models.CheckConstraint(
                name="graph_type_known", condition=models.Q(graph_type__range=(min(GRAPH_TYPES), max(GRAPH_TYPES)))
            ),
            one_of("palette_known", "palette", list(PALETTES)),
            one_of("statistic_known", "statistic", list(STATISTICS)),
        ]

    def __str__(self) -> str:
        return self.graph_name or f"{self.specification.type.name} of {self.machine_id}"

    @property
    def columns(self) -> dict[str, str]:
        """Columns by dimension, as they were given."""
        return {dimension: name for dimension in DIMENSIONS if (name := getattr(self, dimension))}

    @property
    def specification(self) -> Specification:
        """What is drawn."""
        return Specification(self.graph_type, self.columns, self.palette, self.statistic)
