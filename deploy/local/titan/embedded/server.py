"""What the embedded servers have in common: wheels' files, free ports, waiting, and running one around a block."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from titan import process
from titan.errors import PartFailed
from titan.process import Command


def wheel_directory(package: str) -> Path:
    """Where a wheel's files are, without importing it: the supervisor stays small."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise PartFailed(f"The Python package {package} is missing: run `make setup`.")
    return Path(next(iter(spec.submodule_search_locations)))


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def answers(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def plain_environment(data_dir: Path) -> dict[str, str]:
    """The little that a server needs of our environment, and the stack's mark."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "SSL_CERT_FILE") if name in os.environ}
    return kept | {process.MARK: str(data_dir), "LC_ALL": "C", "TZ": "UTC"}


@contextlib.contextmanager
def running(command: Command, ready: Callable[[], bool], log: Path, *, seconds: float = 60) -> Iterator[int]:
    """Run a server for the length of a block and yield its process id. Raises PartFailed with its last words."""
    with log.open("ab") as output:
        server = process.start(command, output=output)
    try:
        _wait(server, command.name, ready, log, seconds)
        yield server.pid
    finally:
        process.stop(server, replace(command, grace=20))


def _wait(server: subprocess.Popen[bytes], name: str, ready: Callable[[], bool], log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if server.poll() is not None:
            raise PartFailed(f"{name} did not start: {last_words(log)}")
        if time.monotonic() > deadline:
            raise PartFailed(f"{name} did not answer within {seconds:.0f} s: {last_words(log)}")
        time.sleep(0.02)


def last_words(log: Path, lines: int = 5) -> str:
    """The end of a log file as one line, or that there is none."""
    try:
        said = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        said = []
    return " / ".join(said[-lines:]) or "it said nothing"
