"""Where a stack lives and which addresses it uses: read once from options and `TITAN_…` variables."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from titan.errors import TitanError, WrongSetting

SERVICES = ("identity", "ml", "billing", "trading", "scheduler")
# Services whose processes have a role without rights on what they guard; another role owns the tables.
GUARDED = frozenset({"billing"})
PORTS = {
    **{name: offset for offset, name in enumerate(SERVICES, start=1)},
    **{f"{name}-worker": offset for offset, name in enumerate(SERVICES, start=11)},
    "postgres": 32,
    "valkey": 79,
    "kafka": 92,
    "kafka-controller": 93,
}
DEFAULT_PORT_BASE = 8100
EMBEDDED = "embedded"
APACHE = "apache"
LEAST_FREE_BYTES = 300 * 2**20


@dataclass(frozen=True, slots=True)
class Configuration:
    """One stack. `kafka`, `postgres` and `valkey` are `embedded` or the address of a server somebody else runs.

    `kafka` may be `apache` too: Apache Kafka itself, run here where Java is.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port_base: int = DEFAULT_PORT_BASE
    kafka: str = EMBEDDED
    postgres: str = EMBEDDED
    valkey: str = EMBEDDED

    def port(self, part: str) -> int:
        """The port of a service or of an embedded part."""
        return self.port_base + PORTS[part]

    def runs(self, server: str) -> bool:
        """Whether a server is part of the stack instead of somewhere else."""
        return getattr(self, server) in (EMBEDDED, APACHE)

    def url(self, service: str) -> str:
        """Where a service's web process answers; `<service>-worker` is where its worker says how it is."""
        host = f"[{self.reachable_host}]" if ":" in self.reachable_host else self.reachable_host
        return f"http://{host}:{self.port(service)}"

    @property
    def reachable_host(self) -> str:
        """`host` as a client on this machine uses it: a wildcard is nowhere to connect to."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)

    @property
    def state_file(self) -> Path:
        return self.data_dir / "run" / "state.json"

    @property
    def lock_file(self) -> Path:
        return self.data_dir / "run" / "lock"

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def secrets_file(self) -> Path:
        return self.data_dir / "secrets.json"


def from_environment(
    environment: Mapping[str, str] = os.environ,
    *,
    kafka: str = EMBEDDED,
    postgres: str = EMBEDDED,
    valkey: str = EMBEDDED,
) -> Configuration:
    """The configuration that the variables and options ask for. Raises WrongSetting."""
    return Configuration(
        data_dir=data_dir(environment),
        host=environment.get("TITAN_HOST", "127.0.0.1"),
        port_base=_port_base(environment.get("TITAN_PORT_BASE", str(DEFAULT_PORT_BASE))),
        kafka=_bootstrap(kafka),
        postgres=_server_url("--postgres", postgres, {"postgresql", "postgres"}),
        valkey=_server_url("--valkey", valkey, {"redis", "rediss", "valkey", "valkeys", "unix"}),
    )


def data_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """`TITAN_DATA_DIR`, else the nearest `.titan` at or above the working directory, else a new one here."""
    if named := environment.get("TITAN_DATA_DIR"):
        return Path(named).expanduser().resolve()
    here = Path.cwd()
    for directory in (here, *here.parents):
        if (directory / ".titan" / "run").is_dir():
            return (directory / ".titan").resolve()
    return here / ".titan"


def make_data_dir(configuration: Configuration) -> None:
    """Create the directories of the stack and prove that they can be written. Raises TitanError."""
    try:
        for part in ("run", "logs"):
            (configuration.data_dir / part).mkdir(parents=True, exist_ok=True)
            (configuration.data_dir / part).chmod(0o700)
        with tempfile.TemporaryFile(dir=configuration.data_dir) as probe:
            probe.write(b"\0" * 65536)
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise TitanError(
            f"The data directory {configuration.data_dir} cannot be written ({error.strerror}): "
            "free space or permissions there, or set TITAN_DATA_DIR to another directory."
        ) from error
    free = shutil.disk_usage(configuration.data_dir).free
    if free < LEAST_FREE_BYTES:
        raise TitanError(
            f"Only {free // 2**20} MiB are free on the disk of {configuration.data_dir}, and a stack needs "
            f"{LEAST_FREE_BYTES // 2**20}: free some, or set TITAN_DATA_DIR to a directory on another disk."
        )


def _port_base(text: str) -> int:
    try:
        base = int(text)
    except ValueError:
        base = -1
    if not 1024 <= base <= 65535 - max(PORTS.values()):
        raise WrongSetting(f"TITAN_PORT_BASE is {text!r}: give a number from 1024 to {65535 - max(PORTS.values())}.")
    return base


def _bootstrap(text: str) -> str:
    if text in (EMBEDDED, APACHE):
        return text
    for address in text.split(","):
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise WrongSetting(f"--kafka is {text!r}: give `embedded`, `apache` or HOST:PORT, such as 10.0.0.5:9092.")
    return text


def _server_url(option: str, text: str, schemes: set[str]) -> str:
    if text != EMBEDDED and urlsplit(text).scheme not in schemes:
        example = "postgresql://user:password@host:5432/postgres" if "postgresql" in schemes else "redis://host:6379/0"
        raise WrongSetting(f"{option} is {text!r}: give `embedded` or a URL, for example {example}.")
    return text
