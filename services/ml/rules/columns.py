"""Which column plays which part: guesses to start from, and what a correction may ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from service_base.errors import BadInput

TYPES = ("IGNORE", "FLOAT", "LABEL", "DATE", "TIME", "DATETIME", "LANGUAGE", "JSON")
ROLES = ("input", "output", "ignore")
_OUTPUT_NAMES = ("target", "label", "class", "outcome", "y", "output", "result")
LONGEST_NAME = 500


def guess_output(names: Sequence[str]) -> str:
    """The column that most likely is to be predicted: one named like an output, else the last."""
    folded = {name.casefold(): name for name in names}
    return next((folded[wanted] for wanted in _OUTPUT_NAMES if wanted in folded), names[-1])


def output_reason(name: str) -> str:
    """Why a column was guessed to be the output."""
    return "its name says so" if name.casefold() in _OUTPUT_NAMES else "it is the last column"


def must_know(columns: Collection[str], names: Collection[str], *, field: str) -> None:
    """Raises BadInput naming the first column that the table does not have."""
    for name in columns:
        if name not in names:
            raise BadInput(f"The table has no column {name!r}; it has {', '.join(list(names)[:20])}.", field=field)


def check_types(types: Mapping[str, object]) -> None:
    """Raises BadInput for what is no column type."""
    for name, chosen in types.items():
        if chosen not in TYPES:
            raise BadInput(f"{chosen!r} is no column type; choose one of {', '.join(TYPES)}.", field=name)


def check_parts(
    names: Collection[str], *, outputs: Collection[str], ignore: Collection[str], types: Mapping[str, str]
) -> None:
    """Raises BadInput for unknown columns and types, for no output, for no input, and for a column that is both."""
    must_know(outputs, names, field="outputs")
    must_know(ignore, names, field="ignore")
    must_know(types, names, field="types")
    check_types(types)
    if not outputs:
        raise BadInput("Name at least one output: the column that is to be predicted.", field="outputs")
    if both := sorted(set(outputs) & set(ignore)):
        raise BadInput(f"{both[0]!r} cannot be an output and be ignored.", field="ignore")
    if not set(names) - set(outputs) - set(ignore):
        raise BadInput("Leave at least one input: a machine cannot predict from nothing.", field="ignore")


def clean_name(name: str) -> str:
    """A machine's name. Raises BadInput for an empty, too long or reserved one."""
    text = "".join(sign for sign in name if sign.isprintable()).strip()
    if not 1 <= len(text) <= LONGEST_NAME:
        raise BadInput(f"Give the machine a name of 1 to {LONGEST_NAME} characters.", field="machine_name")
    if text.startswith("__") and text.endswith("__"):
        raise BadInput("Names between two underscores are the platform's own; choose another.", field="machine_name")
    return text


def check_row(
    row: Mapping[str, object], *, place: int, needed: Collection[str], known: Collection[str], whole: bool = True
) -> None:
    """Raises BadInput naming the first column of a row that is unknown, or (when `whole`) missing."""
    for name in row:
        if name not in known:
            raise BadInput(f"Row {place + 1} has a column {name!r} that the machine does not know.", field=name)
    if whole:
        for name in needed:
            if name not in row:
                raise BadInput(
                    f"Row {place + 1} lacks the column {name!r}; give null where its value is not known.", field=name
                )


def check_columns(given: Collection[str], *, needed: Collection[str], known: Collection[str]) -> None:
    """The same for rows that came column by column."""
    for name in given:
        if name not in known:
            raise BadInput(f"There is a column {name!r} that the machine does not know.", field=name)
    for name in needed:
        if name not in given:
            raise BadInput(
                f"The column {name!r} is missing; leave its fields empty where its values are not known.", field=name
            )
