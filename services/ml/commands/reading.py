"""Reading a table in a process of its own, and keeping on the machine what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ml.jobs.protocol import Hear, ask
from ml.models import DataLine, Machine
from ml.rules.columns import check_parts, check_types
from ml.store import place
from ml.tables import Stretch

_NOT_LEARNT = ("IGNORE", "JSON")
_STATISTICS = "mdc_columns_"
# In the order in which they are built: what one is made of comes before it.
RERUN = ("mdc", "ici", "fe", "enc_dec", "nn_config", "model")


def stretches_of(lines: Sequence[DataLine]) -> list[Stretch]:
    """Where each stretch is and how it is read."""
    return [
        Stretch(
            str(place(line.path)),
            line.file_name,
            line.sequence,
            line.file_format,
            line.dialect,
            least_columns(line.purpose),
        )
        for line in lines
    ]


def least_columns(purpose: str) -> int:
    """What is learnt from has an input and an output; what is solved needs no more than an input."""
    return 2 if purpose == "learning" else 1


def read(
    stretches: Sequence[Stretch],
    *,
    outputs: Collection[str] = (),
    types: Mapping[str, str] | None = None,
    seed: int = 0,
    limit: int | None = None,
    parts: Sequence[Mapping[str, Any]] | None = None,
    hear: Hear | None = None,
) -> dict[str, Any]:
    """What the table holds; `parts` is what the machine knows to be inside JSON columns, else that is found.

    `hear` is told of progress while it is read; what it raises ends the reading.

    Raises BadInput with the sentence of whatever is wrong with it.
    """
    check_types(types or {})
    job = {
        "stretches": [stretch.to_json() for stretch in stretches],
        "outputs": list(outputs),
        "types": dict(types or {}),
        "seed": seed,
        "limit": limit,
        "parts": parts,
    }
    return ask("ml.jobs.reading", job, hear)


def parts_of(machine: Machine) -> list[dict[str, Any]]:
    """What the machine knows to be inside its JSON columns."""
    return [part for parts in machine.mdc_columns_json_structure.values() for part in parts]


def keep_reading(
    machine: Machine, reading: Mapping[str, Any], *, ignore: Collection[str], types: Mapping[str, str]
) -> None:
    """Set everything the machine says about its columns; the caller saves it. Raises BadInput for unfit parts."""
    names, columns, outputs = reading["names"], reading["columns"], reading["outputs"]
    check_parts(names, outputs=outputs, ignore=ignore, types=types)
    kinds = {name: columns[name]["type"] for name in names}
    inputs = [name for name in names if name not in outputs and name not in ignore]
    machine.column_names = list(names)
    machine.dfr_columns_type_user_df = dict(types)
    machine.dfr_columns_description_user_df = {name: columns[name]["reason"] for name in names}
    machine.dfr_columns_python_user_df = {name: _python_type(kind) for name, kind in kinds.items()}
    machine.mdc_columns_data_type = kinds
    machine.mdc_columns_name_input_user_df = inputs
    machine.mdc_columns_name_output_user_df = list(outputs)
    machine.mdc_columns_name_input = [name for name in inputs if kinds[name] not in _NOT_LEARNT]
    machine.mdc_columns_name_output = list(outputs)
    machine.mdc_columns_total_count = len(names)
    machine.mdc_columns_input_count = len(machine.mdc_columns_name_input)
    machine.mdc_columns_output_count = len(outputs)
    machine.mdc_columns_count_of_datatypes_all = _count(kinds, names)
    machine.mdc_columns_count_of_datatypes_input = _count(kinds, machine.mdc_columns_name_input)
    machine.mdc_columns_count_of_datatypes_output = _count(kinds, outputs)
    machine.machine_columns_errors = {n: " ".join(c["errors"]) for n, c in columns.items() if c["errors"]}
    machine.machine_columns_warnings = {n: "; ".join(c["warnings"]) for n, c in columns.items() if c["warnings"]}
    machine.mdc_columns_json_structure = _by_column(reading["dialect"].get("parts", ()))
    machine.evaluation_lines = reading["evaluation_lines"]
    machine.learning_lines = reading["line_count"] - reading["evaluation_lines"]
    _keep_statistics(machine, columns)
    must_re_run(machine, "mdc")


def must_re_run(machine: Machine, first: str) -> None:
    """The next training builds this part anew, and all that is made of it; the caller saves the machine."""
    for part in RERUN[RERUN.index(first) :]:
        setattr(machine, f"machine_is_re_run_{part}", True)


def _keep_statistics(machine: Machine, columns: Mapping[str, Any]) -> None:
    known = {field.name for field in machine._meta.get_fields()}
    by_statistic: dict[str, dict[str, Any]] = {}
    for name, column in columns.items():
        for statistic, value in column["statistics"].items():
            by_statistic.setdefault(_STATISTICS + statistic, {})[name] = value
    for field in known & by_statistic.keys():
        setattr(machine, field, by_statistic[field])


def _by_column(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for part in parts:
        found.setdefault(part["column"], []).append(part)
    return found


def _count(kinds: Mapping[str, str], names: Collection[str]) -> dict[str, int]:
    return dict(Counter(kinds[name] for name in names))


def _python_type(kind: str) -> str:
    return {"FLOAT": "float", "DATE": "date", "TIME": "time", "DATETIME": "datetime"}.get(kind, "str")
