"""The Kafka-protocol broker of the `noida-db` wheel: for trying out and for tests, not for volume.

It keeps the log in memory and saves it as one file about once a second; a save is whole or not at all. A gate of
ours stands before it, see `kafka_gate`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from titan.embedded import kafka_wire as wire
from titan.embedded.server import free_port, plain_environment, running, wheel_directory
from titan.errors import PartFailed
from titan.process import Command


@contextlib.contextmanager
def kafka(data_dir: Path, *, port: int | None = None) -> Iterator[str]:
    """A broker for the length of a block: yields its bootstrap address."""
    chosen = port or free_port()
    command = server(data_dir.resolve(), port=chosen)
    with running(command, lambda: is_ready(chosen), data_dir / "kafka.log"):
        yield f"127.0.0.1:{chosen}"


def server(data_dir: Path, *, port: int) -> Command:
    """The command that runs the broker in the foreground, its log in `data_dir`/kafka."""
    home = data_dir / "kafka"
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)  # it leaves the token of its control port there
    return Command(
        name="kafka",
        argv=[
            *(sys.executable, "-m", "titan.embedded.kafka_gate", str(home), str(port)),
            *(str(_binary()), "start", "--data-dir", str(home), "--only", "kafka", "--host", "127.0.0.1"),
        ],
        directory=home,
        environment=plain_environment(data_dir) | _import_path(),
    )


def _import_path() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}


def is_ready(port: int) -> bool:
    """Whether the broker answers, and knows itself to be there."""
    with contextlib.suppress(OSError, struct.error), socket.create_connection(("127.0.0.1", port), timeout=1) as asked:
        request = wire.metadata()
        asked.sendall(struct.pack("!i", len(request)) + request)
        with asked.makefile("rb") as answer:
            (size,) = struct.unpack("!i", answer.read(4))
            return wire.brokers_of(answer.read(size)) > 0
    return False


def _binary() -> Path:
    binary = wheel_directory("noida_db") / "noida-db"
    if not binary.exists():
        raise PartFailed("The noida-db package has no broker for this machine: give --kafka HOST:PORT.")
    with contextlib.suppress(PermissionError):
        binary.chmod(binary.stat().st_mode | 0o111)  # some installers drop the bit
    return binary
