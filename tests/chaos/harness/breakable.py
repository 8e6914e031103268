"""Servers of a test's own that can be frozen, killed and started again at the same address with the same data."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import psutil

from titan import process
from titan.embedded.apache_kafka import apache_kafka
from titan.embedded.kafka import kafka
from titan.embedded.postgres import postgres
from titan.embedded.server import free_port

Server = Callable[[Path, int], AbstractContextManager[str]]


class Breakable:
    """One server with its data in `home`; `address` stays the same through all that happens to it."""

    def __init__(self, server: Server, home: Path) -> None:
        self._server = server
        self._home = home.resolve()
        self._port = free_port()
        self._running = ExitStack()
        self.address = ""

    def start(self) -> None:
        """Start it, on what it kept; returns when it takes connections."""
        self.address = self._running.enter_context(self._server(self._home, self._port))

    def kill(self) -> None:
        """End all its processes with SIGKILL, as a power cut would."""
        self._signal(signal.SIGKILL)
        self._running.close()

    def freeze(self) -> None:
        """Stop its processes where they are: connections stay open and nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop it in order."""
        self.thaw()
        self._running.close()

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._pids():
            process.signal_quietly(pid, number)

    def _pids(self) -> list[int]:
        found = process.of_stack(self._home)
        for pid in list(found):
            with contextlib.suppress(psutil.Error):
                found += [child.pid for child in psutil.Process(pid).children(recursive=True)]
        return found


@contextmanager
def breakable(server: Server, home: Path) -> Iterator[Breakable]:
    """A running server of this kind for the length of a block, whatever state the block leaves it in."""
    made = Breakable(server, home)
    made.start()
    try:
        yield made
    finally:
        made.close()


def broker_of_this_run() -> Server:
    """Apache Kafka where TITAN_TEST_BROKER says so, else the broker that TITAN brings along."""
    chosen = apache_kafka if os.environ.get("TITAN_TEST_BROKER") == "apache" else kafka
    return lambda home, port: chosen(home, port=port)


def durable_postgres(home: Path, port: int) -> AbstractContextManager[str]:
    """A PostgreSQL that may be killed: what it confirmed is on the disk."""
    return postgres(home, port=port)
