"""What is asked of a machine along with its table: checked before the table is read, kept while it waits for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from ml.commands.machines import checked_level, set_network
from ml.learning.errors import LearningError
from ml.learning.tables.csv_file import CsvTable, dialect_of
from ml.learning.tables.open import format_in
from ml.models import Machine
from ml.rules.columns import check_types, clean_name
from ml.rules.dialects import checked_dialect
from ml.store import Received
from service_base.errors import BadInput

LOOKED_AT = 1 << 20


@dataclass(frozen=True, slots=True)
class MachineAsked:
    """The parts that a person gave; plain enough to be stored."""

    name: str = ""
    description: str = ""
    level: int = 1
    team: str = ""
    outputs: list[str] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    dialect: dict[str, Any] = field(default_factory=dict)
    network: dict[str, Any] = field(default_factory=dict)

    @property
    def to_read(self) -> dict[str, Any]:
        """What decides how the table is read."""
        return {"dialect": self.dialect, "outputs": self.outputs, "types": self.types}

    @property
    def to_create(self) -> dict[str, Any]:
        """What the machine is given beside that."""
        parts = ("name", "description", "level", "ignore", "types", "network")
        return {part: getattr(self, part) for part in parts} | {"team": UUID(self.team) if self.team else None}

    def to_json(self) -> dict[str, Any]:
        """The same as it is stored while the table waits to be read."""
        return asdict(self)

    def check(self, received: Received) -> None:
        """Say now what would be refused after the reading as well, as far as that is told by little of the file.

        Raises BadInput.
        """
        clean_name(self.name or received.name.rsplit(".", 1)[0])
        checked_level(self.level)
        set_network(Machine(), self.network)
        check_types(self.types)
        look_at(received, self.dialect)


def look_at(received: Received, dialect: Mapping[str, Any] | None = None, *, least_columns: int = 2) -> None:
    """Raises BadInput for what is no table, or cannot be cut as was said, by the start of the file."""
    said = checked_dialect(dialect or {})
    try:
        kind = format_in(received.path)
        if kind == "csv":
            found = dialect_of(received.path, name=received.name, said=said)
            CsvTable(received.path, found, name=received.name, most_bytes=LOOKED_AT, least_columns=least_columns)
    except LearningError as error:
        raise BadInput(str(error), field=error.field or "file") from error
