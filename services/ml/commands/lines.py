"""Appending lines to a machine, for learning or for solving."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from ml.commands.locks import TableBusy, locked, must_hold
from ml.commands.machines import add_stretch, locked_machine, refuse_during_training
from ml.commands.reading import keep_reading, least_columns, must_re_run, parts_of, read, stretches_of
from ml.jobs.protocol import Hear, clean
from ml.learning.tables.dialect import Dialect
from ml.models import DataLine, DataLinesOperation, Machine
from ml.rules.columns import check_row
from ml.rules.dialects import checked_dialect
from ml.store import Received, receive
from ml.tables import Stretch
from service_base.errors import BadInput, Refusal
from shared_models.clock import utc_now

MOST_ROWS = 10_000
log = structlog.get_logger("titan.ml")


def received_rows(rows: Sequence[Mapping[str, Any]], *, name: str = "rows.jsonl") -> Received:
    """Rows of a request as a file, one JSON object a line. Raises BadInput for none or too many."""
    if not 1 <= len(rows) <= MOST_ROWS:
        raise BadInput(f"Send 1 to {MOST_ROWS} rows at a time; a file takes more.", field="rows")
    return receive(_json_lines(rows), name=name)


def _json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterable[bytes]:
    for row in rows:
        yield json.dumps(clean(dict(row)), ensure_ascii=False, default=str).encode() + b"\n"


def check_rows(machine: Machine, rows: Sequence[Mapping[str, Any]], *, purpose: str) -> None:
    """Raises BadInput naming the row's first column that is unknown or missing."""
    needed = _needed(machine, purpose)
    for place, row in enumerate(rows):
        check_row(row, place=place, needed=needed, known=machine.column_names)


def _needed(machine: Machine, purpose: str) -> list[str]:
    """The columns without which a line says too little; what is inside a column comes with it."""
    holders = {part["name"]: part["column"] for part in parts_of(machine)}
    names = [*machine.mdc_columns_name_input, *(machine.mdc_columns_name_output if purpose == "learning" else [])]
    return list(dict.fromkeys(holders.get(name, name) for name in names))


def append_lines(
    *,
    machine_id: UUID,
    received: Received,
    purpose: str,
    file_format: str = "",
    dialect: Mapping[str, Any] | None = None,
    hear: Hear | None = None,
    also: Callable[[DataLine], None] | None = None,
) -> DataLine:
    """Add the file to the machine's lines: for learning they count from the next training on.

    Either the stretch, the machine's counts, the note in the inbox and what `also` does with the stretch exist, or
    none of them. Raises BadInput for a file that does not fit the machine's columns, TableBusy while somebody else
    writes, BeingTrained.
    """
    machine = Machine.objects.get(pk=machine_id)
    if purpose == "learning":
        refuse_during_training(machine)
    with locked(machine_id) as token:
        sequence = _next_sequence(machine)
        said = checked_dialect(dialect or {}, file_format=file_format)
        stretch = Stretch(str(received.path), received.name, sequence, file_format, said, least_columns(purpose))
        outputs = _outputs_in(machine, stretch, purpose)
        reading = read([stretch], seed=machine.machine_split_seed, outputs=outputs, parts=parts_of(machine), hear=hear)
        _must_fit(machine, reading, purpose)
        with transaction.atomic():
            line = _store_append(machine_id, token, received, reading, purpose)
            if also:
                also(line)
        return line


def _next_sequence(machine: Machine) -> int:
    last = machine.data_lines.order_by("-sequence").first()
    return last.sequence + 1 if last else 1


def _outputs_in(machine: Machine, stretch: Stretch, purpose: str) -> Collection[str]:
    # For solving the outputs may be absent; any column will do to read the file by.
    return machine.mdc_columns_name_output if purpose == "learning" else ()


def _must_fit(machine: Machine, reading: Mapping[str, Any], purpose: str) -> None:
    names = reading["names"]
    known = machine.column_names
    needed = _needed(machine, purpose)
    for name in names:
        if name not in known:
            raise BadInput(f"The file has a column {name!r} that the machine does not know.", field=name)
    for name in needed:
        if name not in names:
            raise BadInput(f"The file lacks the column {name!r}, which the machine needs.", field=name)
    first = machine.data_lines.order_by("sequence").first()
    ours = (first.dialect or {}).get("decimal", ".") if first else "."
    # What is solved is read with its own sign; where the file does not show one, with the machine's.
    theirs = Dialect.from_json(reading["dialect"]).sure_decimal or ours
    if purpose == "learning" and theirs != ours:
        raise BadInput(
            f"The file writes decimals with {theirs!r} where the machine's first lines use {ours!r}: save it alike.",
            field="file",
        )


@transaction.atomic
def _store_append(
    machine_id: UUID, token: int, received: Received, reading: Mapping[str, Any], purpose: str
) -> DataLine:
    must_hold(machine_id=machine_id, token=token)
    machine = locked_machine(machine_id)
    line = add_stretch(machine, received, reading, sequence=_next_sequence(machine), purpose=purpose)
    if purpose == "learning":
        machine.evaluation_lines += reading["evaluation_lines"]
        machine.learning_lines += reading["line_count"] - reading["evaluation_lines"]
        must_re_run(machine, "mdc")
        machine.save()
    note_appended(machine.pk, purpose)
    return line


def note_appended(machine_id: UUID, purpose: str) -> None:
    """Somebody has to look at the machine: lines were added to it."""
    DataLinesOperation.objects.update_or_create(
        machine_id=machine_id,
        is_added_for_learning=purpose == "learning",
        is_added_for_solving=purpose == "solving",
        defaults={"date_time": utc_now()},
    )


def look_at_appended_lines() -> int:
    """The worker's part: read every machine with lines appended for learning anew, so that its columns tell of them."""
    looked = 0
    for note in list(DataLinesOperation.objects.filter(is_added_for_learning=True).order_by("date_time")[:10]):
        try:
            looked += _look(note)
        except TableBusy:
            continue  # somebody reads it right now; the note stays for the next round
        except Refusal as error:
            log.warning("lines.unreadable", machine=str(note.machine_id), error=str(error))
            note.delete()
    return looked


def _look(note: DataLinesOperation) -> int:
    machine = Machine.objects.filter(pk=note.machine_id, deleted_at=None).first()
    if machine is None:
        note.delete()
        return 0
    with locked(machine.pk) as token:
        lines = list(machine.data_lines.filter(purpose="learning").order_by("sequence"))
        types = machine.dfr_columns_type_user_df
        reading = read(
            stretches_of(lines),
            outputs=machine.mdc_columns_name_output,
            types=types,
            seed=machine.machine_split_seed,
            limit=machine.line_limit,
            parts=parts_of(machine),
        )
        _store_look(machine.pk, token, reading, note)
    return 1


@transaction.atomic
def _store_look(machine_id: UUID, token: int, reading: Mapping[str, Any], note: DataLinesOperation) -> None:
    must_hold(machine_id=machine_id, token=token)
    machine = locked_machine(machine_id)
    used = {*machine.mdc_columns_name_input_user_df, *machine.mdc_columns_name_output_user_df}
    ignore = [name for name in machine.column_names if name not in used]
    keep_reading(machine, reading, ignore=ignore, types=machine.dfr_columns_type_user_df)
    machine.save()
    # Lines that came while this was read carry a later date: their note stays.
    DataLinesOperation.objects.filter(pk=note.pk, date_time=note.date_time).delete()
