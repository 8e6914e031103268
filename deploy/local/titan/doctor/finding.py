"""One thing that the doctor looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """What it is called, whether it is well, how it is, and what to do where it is not."""

    name: str
    ok: bool
    detail: str
    way_out: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def judged(name: str, ok: bool, detail: str, way_out: str) -> Finding:
    """A finding that shows its way out only where one is needed."""
    return Finding(name, ok, detail, "" if ok else way_out)


def asked(name: str, shown: str, ask: Callable[[], Iterable[Finding]], way_out: str) -> list[Finding]:
    """That `shown` answers and what it says of itself, or the one finding that it does not."""
    try:
        return [Finding(name, True, f"{shown} answers"), *ask()]
    except Exception as error:  # each client has its own errors, and every one of them is the finding
        said = str(error).strip().splitlines() or [type(error).__name__]
        return [Finding(name, False, f"{shown}: {said[0]}", way_out)]
