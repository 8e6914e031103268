"""Copies of machines: the same lines, columns and settings, without what was learnt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction

from ml import publishes
from ml.commands.machines import checked_level, locked_machine
from ml.commands.purchases import lines_sold_of
from ml.models import DataLine, Machine
from ml.models.machine_parts import ColumnConfiguration, ColumnStatistics, NetworkSettings
from ml.rules.columns import clean_name

_TAKEN_OVER = ("column_names", "learning_lines", "evaluation_lines", "machine_split_seed", "machine_level")
_ALSO = (
    "machine_description",
    "machine_is_data_lines_training_count_limit_enabled",
    "machine_data_lines_training_count_limit",
)
_OF_A_STRETCH = (
    *("purpose", "file_name", "file_format", "path", "sha256", "size_bytes", "dialect", "column_names"),
    *("line_count", "bad_line_count", "bad_lines", "first_rows"),
)


@transaction.atomic
def copy_machine(*, machine_id: UUID, name: str = "", level: int | None = None) -> Machine:
    """The owner's machine once more, not trained: all of it or nothing, at no charge.

    A level is for good, so this is how the same table is trained at another. A copy of a copy that was bought stays
    one: its lines are not hers to sell. Raises NotFound, BadInput for a name or level that does not fit.
    """
    machine = locked_machine(machine_id)
    return make_copy(
        machine,
        lines_sold_of(machine),
        owner_id=machine.owner_id,
        original_id=machine.machine_original_id,
        machine_name=clean_name(name or _copy_of(machine)),
        machine_level=machine.machine_level if level is None else checked_level(level),
        machine_owner_team=machine.machine_owner_team,
    )


def _copy_of(machine: Machine) -> str:
    return f"Copy of {machine.machine_name}"[:500]


def make_copy(
    machine: Machine, lines: Iterable[DataLine], *, owner_id: UUID, original_id: UUID | None, **other: Any
) -> Machine:
    """A machine on the same lines, the same but for `other` fields; its caller holds the transaction."""
    same = {field: getattr(machine, field) for field in (*_TAKEN_OVER, *_ALSO, *_column_fields())}
    copy = Machine(
        machine_owner_user_id=owner_id,
        machine_original_id=original_id,
        **({"machine_name": _copy_of(machine)} | same | other),
    )
    copy.save(force_insert=True)
    for line in lines:
        share_line(line, copy, line.sequence)
    publishes.machine_changed(copy)
    return copy


def share_line(line: DataLine, copy: Machine, sequence: int) -> None:
    """A stretch never changes, so both machines name the same file."""
    same = {field: getattr(line, field) for field in _OF_A_STRETCH}
    DataLine.objects.create(machine=copy, sequence=sequence, **same)


def _column_fields() -> list[str]:
    parts = (ColumnConfiguration, ColumnStatistics, NetworkSettings)
    return [field.name for part in parts for field in part._meta.local_fields]
