"""Correcting a machine's columns and dialect: its table is read anew, and kept only if nobody changed it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from ml.commands.locks import locked, must_hold
from ml.commands.machines import keep_lines, locked_machine, refuse_during_training
from ml.commands.reading import keep_reading, parts_of, read, stretches_of
from ml.jobs.protocol import Hear
from ml.models import DataLine, Machine
from ml.rules.columns import check_parts, check_types
from ml.rules.dialects import PARTS, checked_dialect


def correct_machine(
    *,
    machine_id: UUID,
    outputs: Collection[str] | None = None,
    ignore: Collection[str] | None = None,
    types: Mapping[str, str] | None = None,
    dialect: Mapping[str, Any] | None = None,
    line_limit: int | None = None,
    hear: Hear | None = None,
    also: Callable[[Machine], object] | None = None,
) -> Machine:
    """Read the machine's lines anew with what the person corrected; what is left out stays as it was.

    `line_limit` is how many lines are learnt and judged from; 0 are all.

    The reading takes no transaction; what it found is kept, together with what `also` does, only if nobody changed
    the lines meanwhile. Raises BadInput, TableBusy, BeingTrained.
    """
    machine = Machine.objects.get(pk=machine_id)
    refuse_during_training(machine)
    with locked(machine_id) as token:
        lines = list(machine.data_lines.filter(purpose="learning").order_by("sequence"))
        if dialect is not None:
            lines[0].dialect = corrected_dialect(lines[0], dialect)
        parts = _parts_after(machine, outputs, ignore, types, dialect)
        reading = read(
            stretches_of(lines),
            outputs=parts.outputs,
            types=parts.types,
            seed=machine.machine_split_seed,
            limit=machine.line_limit if line_limit is None else line_limit or None,
            hear=hear,
        )
        with transaction.atomic():
            found = _store_correction(machine_id, token, lines[0], reading, parts, line_limit)
            if also:
                also(found)
        return found


def check_correction(machine: Machine, changes: Mapping[str, Any]) -> None:
    """Raises what `correct_machine` with these changes would, as far as it is known before the table is read."""
    refuse_during_training(machine)
    dialect = changes.get("dialect")
    check_types(changes.get("types") or {})
    _parts_after(machine, changes.get("outputs"), changes.get("ignore"), changes.get("types"), dialect)
    first = machine.data_lines.filter(purpose="learning").order_by("sequence").first()
    if dialect is not None and first is not None:
        corrected_dialect(first, dialect)


def _parts_after(
    machine: Machine,
    outputs: Collection[str] | None,
    ignore: Collection[str] | None,
    types: Mapping[str, str] | None,
    dialect: Mapping[str, Any] | None,
) -> _Parts:
    if dialect is not None:
        # Cut in another way, the columns are others.
        before = _Parts() if dialect.keys() - {"date_order"} else _Parts.of(machine)
        return before.with_changes(outputs, ignore, types)
    parts = _Parts.of(machine).without(_closed_again(machine, types or {})).with_changes(outputs, ignore, types)
    check_parts(machine.column_names, outputs=parts.outputs, ignore=parts.ignore, types=parts.types)
    return parts


def _closed_again(machine: Machine, types: Mapping[str, str]) -> set[str]:
    """The columns inside columns that are no longer to be read as JSON."""
    return {part["name"] for part in parts_of(machine) if types.get(part["column"], "JSON") != "JSON"}


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a person said about the columns."""

    outputs: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    types: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, machine: Machine) -> _Parts:
        used = {*machine.mdc_columns_name_input_user_df, *machine.mdc_columns_name_output_user_df}
        ignore = [name for name in machine.column_names if name not in used]
        return cls(tuple(machine.mdc_columns_name_output), tuple(ignore), dict(machine.dfr_columns_type_user_df))

    def without(self, gone: Collection[str]) -> _Parts:
        """The same without columns that are no longer there."""
        return _Parts(
            tuple(name for name in self.outputs if name not in gone),
            tuple(name for name in self.ignore if name not in gone),
            {name: kind for name, kind in self.types.items() if name not in gone},
        )

    def with_changes(
        self, outputs: Collection[str] | None, ignore: Collection[str] | None, types: Mapping[str, str] | None
    ) -> _Parts:
        chosen = self.outputs if outputs is None else tuple(outputs)
        # A column that becomes an output is no longer ignored, unless both were asked at once, which is refused.
        left_out = tuple(name for name in self.ignore if name not in chosen) if ignore is None else tuple(ignore)
        return _Parts(chosen, left_out, self.types | dict(types or {}))


@transaction.atomic
def _store_correction(
    machine_id: UUID,
    token: int,
    first: DataLine,
    reading: Mapping[str, Any],
    parts: _Parts,
    line_limit: int | None,
) -> Machine:
    must_hold(machine_id=machine_id, token=token)
    machine = locked_machine(machine_id)
    if line_limit is not None:
        machine.machine_is_data_lines_training_count_limit_enabled = line_limit > 0
        machine.machine_data_lines_training_count_limit = line_limit or None
    keep_reading(machine, reading, ignore=parts.ignore, types=parts.types)
    machine.save()
    first.dialect, first.column_names = reading["dialect"], reading["names"]
    if machine.data_lines.filter(purpose="learning").count() == 1:
        keep_lines(first, reading)
    first.save()
    return machine


def corrected_dialect(line: DataLine, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The stretch's dialect with the changes. Raises BadInput for what its kind of table does not have."""
    checked = checked_dialect(changes, file_format=line.file_format)
    found = {part: line.dialect[part] for part in PARTS[line.file_format] if part in line.dialect} | checked
    checked_dialect(found, file_format=line.file_format)
    # What a person said is certain.
    return found | {"confidence": {**line.dialect.get("confidence", {}), **dict.fromkeys(changes, 1.0)}}
