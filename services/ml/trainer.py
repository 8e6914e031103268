"""The trainer process: leases work, does it in a child process, and stores what came of it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog

from service_base.worker import prepare

if TYPE_CHECKING:
    from ml.jobs.protocol import Child, Message
    from ml.models import Server, Work

log = structlog.get_logger("titan.ml.trainer")
IDLE_SECONDS = 0.5
HEARTBEAT_SECONDS = 0.5
GREETING_SECONDS = 5.0


@dataclass
class Trainer:
    """One server: one work at a time."""

    server: Server
    stop: Event

    def run(self) -> None:
        """Do work until stopped; what is in hand then is given back at its lease's end."""
        from django.db import Error, connections

        from ml import commands

        greeted = 0.0
        while not self.stop.is_set():
            try:
                if monotonic() - greeted > GREETING_SECONDS:
                    commands.greet_from_server(server=self.server, ready=True)
                    greeted = monotonic()
                if not self.work_once():
                    self.stop.wait(IDLE_SECONDS)
            except Error as error:
                log.warning("trainer.retry", error=str(error))
                connections.close_all()
                self.stop.wait(2.0)
        commands.greet_from_server(server=self.server, ready=False)

    def work_once(self) -> bool:
        """Lease the next work and see it through; False when there was none."""
        from ml import commands

        work = commands.lease_work(server=self.server)
        if work is None:
            return False
        commands.greet_from_server(server=self.server, ready=False)
        log.info("work.leased", work=str(work.pk), kind=work.kind, attempt=work.attempts)
        _Attempt(work, self.stop).see_through()
        commands.greet_from_server(server=self.server, ready=True)
        return True


class _Attempt:
    """One lease of one work: the child that does it, and the heartbeats that keep it."""

    def __init__(self, work: Work, stop: Event) -> None:
        self.work, self.stop = work, stop
        self.lease: dict[str, Any] = {"work_id": work.pk, "token": work.lease_token}
        # A folder of its own for each attempt: a slower twin never writes where a faster one does.
        self.result = f"{_PLACES[work.kind]}/{work.machine_id}/{work.pk}-{work.lease_token}"
        if work.kind == "solving":
            self.result += ".csv"

    def see_through(self) -> None:
        """Do the work, store what came of it, and leave nothing behind if somebody else has it by now."""
        from ml.jobs.protocol import Child
        from ml.rules.work import LeaseLost
        from ml.store import remove

        is_stored = False
        child = Child(f"ml.jobs.{self.work.kind}", _job(self.work, self.result))
        try:
            done = self._follow(child)
            if done is not None:
                self._store(done)
                is_stored = True
                log.info("work.finished", work=str(self.work.pk))
        except LeaseLost:
            log.info("work.lost", work=str(self.work.pk))
        finally:
            child.kill()
            if not is_stored:
                remove(self.result)

    def _follow(self, child: Child) -> Message | None:
        """Keep the lease while the child works; its result, or None when there will be none."""
        from ml import commands
        from ml.jobs.protocol import refusal_in

        beat = 0.0
        while not child.has_ended:
            if self.stop.is_set():
                commands.give_back_work(**self.lease)
                return None
            heard = child.messages(timeout=HEARTBEAT_SECONDS)
            for message in heard:
                if "done" in message:
                    return message["done"]  # type: ignore[no-any-return]
                if refusal := refusal_in(message):
                    commands.fail_work(**self.lease, reason=refusal)
                    return None
                if "started" in message:
                    commands.begin_work(**self.lease)
            progress = [message["progress"] for message in heard if "progress" in message]
            if progress or monotonic() - beat >= HEARTBEAT_SECONDS:
                commands.report_progress(**self.lease, progress=progress)
                beat = monotonic()
        reason = child.why_it_died()
        log.warning("work.broke", work=str(self.work.pk), error=reason)
        commands.lose_attempt(**self.lease, reason=reason[:500])
        return None

    def _store(self, done: Message) -> None:
        from ml import commands
        from ml.store import place

        if self.work.kind == "solving":
            commands.finish_solving(
                **self.lease, path=self.result, sha256=done["sha256"], lines=done["lines"], warnings=done["warnings"]
            )
            return
        folder = place(self.result)
        model = commands.StoredModel(
            folder=self.result,
            card=json.loads((folder / "card.json").read_bytes()),
            encoder=json.loads((folder / "encoder.json").read_bytes()),
            **done,
        )
        commands.finish_training(**self.lease, model=model)


_PLACES = {"training": "models", "solving": "results"}


def _job(work: Work, result: str) -> Message:
    """Everything the child has to know."""
    from ml import commands
    from ml.store import place

    machine = work.machine
    target = str(place(result))
    if work.kind == "solving":
        model = machine.training_nn_model
        lines = list(machine.data_lines.filter(pk__in=work.data_lines).order_by("sequence"))
        return {
            "stretches": [stretch.to_json() for stretch in commands.stretches_of(lines)],
            "model": str(place(model.folder)) if model else "",
            "lines": work.solving_lines,
            "result": target,
        }
    lines = list(machine.data_lines.filter(purpose="learning").order_by("sequence"))
    used = {*machine.mdc_columns_name_input, *machine.mdc_columns_name_output}
    plan = {
        "outputs": machine.mdc_columns_name_output,
        "ignore": [name for name in machine.column_names if name not in used],
        "types": machine.dfr_columns_type_user_df,
        "level": work.level,
        "seed": machine.machine_split_seed,
        "loss": machine.parameter_nn_loss or None,
        "optimizer": machine.parameter_nn_optimizer,
        "shape": machine.parameter_nn_shape,
        "time_limit": work.time_limit_seconds,
    }
    return {
        "stretches": [stretch.to_json() for stretch in commands.stretches_of(lines)],
        "limit": machine.line_limit,
        "plan": plan,
        "folder": target,
        "cache": str(place("compiled")),
    }


def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description="A TITAN trainer: does the work that machines ask for.")
    parser.add_argument("--name", default=f"{socket.gethostname()[:40]}-{os.environ.get('TITAN_PORT_BASE', '8100')}")
    name = parser.parse_args().name[:50]
    prepare("ml")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    trainer = Trainer(_register(name, stop), stop)
    log.info("trainer.ready", name=name)
    trainer.run()


def _register(name: str, stop: Event) -> Server:
    """The server's row; a database that is not there yet is waited for."""
    from django.db import Error, connections

    from ml import commands

    while True:
        try:
            return commands.register_server(name=name, cpu_count=os.cpu_count() or 1, gpu_ram=[])
        except Error as error:
            if stop.is_set():
                raise SystemExit(0) from error
            log.warning("trainer.waits", error=str(error).splitlines()[0])
            connections.close_all()
            stop.wait(2.0)


if __name__ == "__main__":
    main()
