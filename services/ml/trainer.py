"""The trainer process: leases work that fits its server, and sees each through in a child process."""

from __future__ import annotations

import argparse
import os
import signal
import socket
from dataclasses import dataclass, field
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from service_base.worker import prepare

if TYPE_CHECKING:
    from ml.models import Server, Work

log = structlog.get_logger("titan.ml.trainer")
IDLE_SECONDS = 0.5
GREETING_SECONDS = 5.0


@dataclass
class Trainer:
    """One server: one work at a time."""

    server: Server
    stop: Event
    _greeted: float = field(default=0.0, init=False)

    def run(self) -> None:
        """Do work until stopped; what is in hand then is given back for another server."""
        from django.db import Error, connections

        while not self.stop.is_set():
            try:
                self._greet(ready=True)
                if not self.work_once():
                    self.stop.wait(IDLE_SECONDS)
            except Error as error:
                log.warning("trainer.retry", error=_first_line(error))
                connections.close_all()
                self.stop.wait(2.0)
        try:
            self._greet(ready=False, now=True)
        except Error as error:
            log.warning("trainer.left", error=_first_line(error))

    def work_once(self) -> bool:
        """Lease the next work and see it through; False when there was none."""
        from ml import commands
        from ml.attempts import Attempt

        work = commands.lease_work(server=self.server)
        if work is None:
            return False
        log.info("work.leased", work=str(work.pk), kind=work.kind, attempt=work.attempts)
        self._greet(ready=False, now=True)
        environment = self._environment(work)
        Attempt(work, self.stop, environment=environment, greet=lambda: self._greet(ready=False)).see_through()
        self._greet(ready=True, now=True)
        return True

    def _environment(self, work: Work) -> dict[str, str]:
        """Which GPU the child is to use, on a server that has some."""
        from ml.hardware import gpu_environment
        from ml.rules.placement import gpu_for

        place = gpu_for(self.server.server_gpu_ram, work.needed_gpu_bytes)
        return {} if place is None or work.kind != "training" else gpu_environment(place)

    def _greet(self, *, ready: bool, now: bool = False) -> None:
        from ml import commands

        if now or monotonic() - self._greeted > GREETING_SECONDS:
            commands.greet_from_server(server=self.server, ready=ready)
            self._greeted = monotonic()


def usual_name() -> str:
    """What the trainer of a stack is called."""
    return f"{socket.gethostname()[:40]}-{os.environ.get('TITAN_PORT_BASE', '8100')}"


def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description="A TITAN trainer: does the work that machines ask for.")
    parser.add_argument("--name", default=usual_name())
    serve(parser.parse_args().name)


def serve(name: str, *, gpu_ram: list[int] | None = None, ram_bytes: int | None = None) -> None:
    """Be the server of that name until SIGTERM or Ctrl-C."""
    from ml import hardware

    prepare("ml")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    ram = hardware.ram_bytes() if ram_bytes is None else ram_bytes
    trainer = Trainer(_register(name[:50], gpu_ram or [], ram, stop), stop)
    log.info("trainer.ready", name=name, gpus=len(gpu_ram or []))
    trainer.run()


def _register(name: str, gpu_ram: list[int], ram_bytes: int, stop: Event) -> Server:
    """The server's row; a database that is not there yet is waited for."""
    from django.db import Error, connections

    from ml import commands

    cpus = os.cpu_count() or 1
    while True:
        try:
            return commands.register_server(name=name, cpu_count=cpus, gpu_ram=gpu_ram, ram_bytes=ram_bytes)
        except Error as error:
            if stop.is_set():
                raise SystemExit(0) from error
            log.warning("trainer.waits", error=_first_line(error))
            connections.close_all()
            stop.wait(2.0)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


if __name__ == "__main__":
    main()
