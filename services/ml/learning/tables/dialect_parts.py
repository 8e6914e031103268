"""What is known of how a table is written, beside the signs of its text: its sheet, its dates, what is inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

PartKind = Literal["value", "count", "items"]


@dataclass(frozen=True, slots=True)
class Part:
    """A value inside the JSON of `column` that is a column of its own, called `name`.

    `value` is what stands at `path`, `count` how many entries the list there has, `items` its entries as one text.
    """

    name: str
    column: str
    path: tuple[str, ...] = ()
    kind: PartKind = "value"

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "path": list(self.path)}


def parts_from_json(found: Any) -> tuple[Part, ...]:
    """The parts as they were stored."""
    return tuple(Part(**{**part, "path": tuple(part["path"])}) for part in found or ())


def known_fields(kind: type[Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Those entries of `found` that `kind` has a field for: what an older or newer TITAN stored still reads."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in found.items() if name in names}
