"""The worker's part in large uploads: reads them in a child process, and keeps what came of each or nothing."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog

from ml.rules.readings import LONGEST_READING
from service_base.errors import BadInput

if TYPE_CHECKING:
    from ml.jobs.protocol import Message
    from ml.models import DataLine, Machine, TableReading, Work
    from ml.store import Received

log = structlog.get_logger("titan.ml")
HEARTBEAT_SECONDS = 0.5
# What is smaller never waits behind what takes minutes: a loop of its own reads it.
SOON = 256 << 20


Stopping = Callable[[], bool]


def read_uploads(is_stopping: Stopping = lambda: False, *, largest: int | None = None) -> int:
    """Read what waits for it, one after the other; how many were taken up.

    When the worker is to stop, what is in hand is given back as if it had not been taken up.
    """
    from ml import commands

    count = 0
    while not is_stopping() and (reading := commands.lease_reading(largest=largest)) is not None:
        _Attempt(reading, is_stopping).see_through()
        count += 1
    return count


def read_smaller_uploads(is_stopping: Stopping = lambda: False) -> int:
    """The same for those that are read soon."""
    return read_uploads(is_stopping, largest=SOON)


class _Stopped(Exception):
    """The worker is to stop."""


class _Attempt:
    """One lease of one reading."""

    def __init__(self, reading: TableReading, is_stopping: Stopping) -> None:
        self.reading, self.is_stopping = reading, is_stopping
        self.lease: dict[str, Any] = {"reading_id": reading.pk, "token": reading.lease_token}
        self._beat, self._until = 0.0, monotonic() + LONGEST_READING.total_seconds()
        self._said: dict[str, Any] = {"percent": 0.0, "lines": 0}

    def see_through(self) -> None:
        """Keep what came of it, end with the reason, or leave it for later; nothing half made stays."""
        from ml import commands
        from ml.rules.work import LeaseLost
        from service_base.errors import Refusal, Unavailable

        try:
            self._read()
            log.info("reading.finished", reading=str(self.reading.pk), purpose=self.reading.purpose)
        except LeaseLost:
            log.info("reading.lost", reading=str(self.reading.pk))
        except _Stopped:
            self._say(commands.postpone_reading, why="")
        except (commands.TableBusy, commands.BeingTrained) as refusal:
            self._say(commands.postpone_reading, why=refusal.detail)
        except (commands.LockLost, Unavailable) as refusal:
            self._say(commands.retry_reading, why=refusal.detail)
        except Refusal as refusal:
            self._say(commands.fail_reading, reason=refusal.detail, field=refusal.field or "")

    def _say(self, do: Any, **given: Any) -> None:
        from ml.rules.work import LeaseLost

        try:
            do(**self.lease, **given)
        except LeaseLost:
            log.info("reading.lost", reading=str(self.reading.pk))

    def _read(self) -> None:
        from ml.rules.readings import ReadingPurpose

        if self.reading.purpose == ReadingPurpose.CORRECTION:
            self._correct()
            return
        received = self._received()
        try:
            if self.reading.purpose == ReadingPurpose.MACHINE:
                self._make(received)
            else:
                self._append(received)
        finally:
            received.path.unlink(missing_ok=True)

    def _received(self) -> Received:
        """The file under a second name, which what becomes of it takes: the first stays for another attempt."""
        from ml.store import Received, place
        from service_base.errors import NotFound
        from service_base.object_store import full_said, give_second_name

        kept = place(self.reading.path)
        own = place(f"incoming/{self.reading.pk}-{self.reading.lease_token}")
        with full_said():
            own.parent.mkdir(parents=True, exist_ok=True)
            try:
                give_second_name(kept, own)
            except FileNotFoundError:
                raise NotFound("The file is not in the store any more; send it again.") from None
        return Received(own, self.reading.sha256, self.reading.size_bytes, self.reading.file_name)

    def _make(self, received: Received) -> None:
        from django.db import transaction

        from ml import commands

        asked = commands.MachineAsked(**self.reading.asked)
        reading = commands.read_upload(received, hear=self._hear, **asked.to_read)
        with transaction.atomic():
            owner = self.reading.requested_by
            machine = commands.create_machine(owner=owner, received=received, reading=reading, **asked.to_create)
            self._finish(machine, reading["line_count"])

    def _append(self, received: Received) -> None:
        from ml import commands
        from ml.rules.readings import ReadingPurpose

        machine_id = self.reading.machine_id
        assert machine_id is not None
        answers = self.reading.purpose == ReadingPurpose.ANSWERS

        def also(line: DataLine) -> None:
            self._finish(line.machine, line.line_count, self._ask_for_answers(line) if answers else None)

        purpose = "solving" if answers else self.reading.purpose
        commands.append_lines(machine_id=machine_id, received=received, purpose=purpose, hear=self._hear, also=also)

    def _ask_for_answers(self, line: DataLine) -> Work:
        from ml import commands

        return commands.request_solving(
            machine_id=line.machine_id,
            by=self.reading.requested_by,
            data_line_ids=[line.pk],
            answers=self.reading.asked.get("answers", "csv"),
        )

    def _correct(self) -> None:
        from ml import commands

        machine_id = self.reading.machine_id
        assert machine_id is not None

        def also(machine: Machine) -> None:
            self._finish(machine, machine.learning_lines + machine.evaluation_lines)

        commands.correct_machine(machine_id=machine_id, hear=self._hear, also=also, **self.reading.asked)

    def _finish(self, machine: Machine, lines: int, work: Work | None = None) -> None:
        from ml import commands

        commands.finish_reading(**self.lease, machine=machine, work=work, lines=lines)

    def _hear(self, messages: list[Message]) -> None:
        """Pass on how far it is, and stop with LeaseLost what was cancelled."""
        from ml import commands

        if self.is_stopping():
            raise _Stopped
        if monotonic() >= self._until:
            minutes = int(LONGEST_READING.total_seconds() / 60)
            raise BadInput(f"Reading the file takes more than {minutes} minutes: send a part of it.", field="file")
        for message in messages:
            self._said = {"percent": float(message.get("percent", 0.0)), "lines": int(message.get("lines", 0))}
        if monotonic() - self._beat >= HEARTBEAT_SECONDS:
            commands.report_reading(**self.lease, **self._said)
            self._beat = monotonic()
