"""`titan bench`: how fast this machine is at what TITAN does, each figure beside an anchor measured in the same run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from titan.errors import ToolMissing, WrongSetting

FOLDER = Path(__file__).parents[3] / "tests" / "bench"
Row = dict[str, Any]


def _bus(ids: Sequence[str], million: bool) -> list[Row]:
    bus = import_module("bus")
    found: list[Row] = bus.measure(ids, bus.MILLION if million else bus.FULL)
    return found


def _request_path(ids: Sequence[str], million: bool) -> list[Row]:
    found: list[Row] = import_module("request_path").measure()
    return [row for row in found if row["id"].startswith(tuple(ids) or "")]


def _ledger(ids: Sequence[str], million: bool) -> list[Row]:
    ledger = import_module("ledger")
    found: list[Row] = ledger.measure(ids, ledger.MILLION if million else ledger.FULL)
    return found


def _uploads(ids: Sequence[str], million: bool) -> list[Row]:
    found: list[Row] = import_module("uploads").measure()
    return [row for row in found if row["id"].startswith(tuple(ids) or "")]


def _solving(ids: Sequence[str], million: bool) -> list[Row]:
    found: list[Row] = import_module("solving").measure()
    return [row for row in found if row["id"].startswith(tuple(ids) or "")]


Suite = Callable[[Sequence[str], bool], list[Row]]
SUITES: dict[str, Suite] = {
    "B-BUS": _bus,
    "B-HTTP": _request_path,
    "B-LEDGER": _ledger,
    "B-UPLOAD": _uploads,
    "B-SOLVE": _solving,
}


def bench(ids: Sequence[str], *, million: bool = False) -> list[Row]:
    """The measured rows whose ids are, or begin with, one of `ids`; all without any. Raises TitanError.

    With `million` also what an event costs while a million wait.
    """
    if not (FOLDER / "bus.py").exists():
        raise ToolMissing(f"The benches are part of the repository, not of an installation: {FOLDER} is missing.")
    for id_ in ids:
        if not _suites_of(id_):
            raise WrongSetting(f"No figure is called {id_!r}: ids begin with {' or '.join(SUITES)}.")
    rows: list[Row] = []
    for name, suite in SUITES.items():
        wanted = [id_ for id_ in ids if name in _suites_of(id_)]
        if wanted or not ids:
            rows += _measured(suite, wanted, million)
    if not rows:
        raise WrongSetting(f"No figure is called {' or '.join(ids)}: `titan bench` prints all with their ids.")
    return rows


def document(rows: Sequence[Row]) -> str:
    """The rows as JSON."""
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def machine() -> dict[str, str]:
    """What it was measured on, and when."""
    words = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":")[1].strip() for line in words.splitlines() if line.startswith("model name")]
    load = os.getloadavg()[0]
    return {
        "processor": f"{os.cpu_count()} × {models[0] if models else os.uname().machine}",
        "python": sys.version.split()[0],
        "load": f"{load:.1f}",
        "measured": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _suites_of(id_: str) -> list[str]:
    return [name for name in SUITES if id_.startswith(name) or name.startswith(id_)]


def _measured(suite: Suite, ids: Sequence[str], million: bool) -> list[Row]:
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    try:
        return suite(ids, million)
    except ModuleNotFoundError as error:
        raise ToolMissing(f"The benches need the package {error.name}: run `make bench`, which installs it.") from error
