"""Readings of large uploads: asked for, leased by a worker, fenced by their newest token, ended with what they made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Q

from ml.commands.asked import look_at
from ml.commands.clock import database_now
from ml.commands.correction import check_correction
from ml.commands.machines import NotTrained, refuse_during_training
from ml.commands.reading import least_columns
from ml.models import Machine, TableReading, Work
from ml.rules.readings import (
    LATER,
    LEASE,
    MOST_ATTEMPTS,
    OPEN,
    ReadingPurpose,
    ReadingState,
    check_room,
    must_become,
)
from ml.rules.work import LeaseLost
from ml.store import Received, keep, remove
from service_base.errors import Conflict, NotFound

NO_READING = "There is no such reading, or it is not yours."


@transaction.atomic
def request_reading(
    *,
    by: Any,
    purpose: str,
    received: Received | None = None,
    machine: Machine | None = None,
    asked: Mapping[str, Any] | None = None,
) -> TableReading:
    """Have the worker read a received file, or a machine's lines anew: the row and the file's place come together.

    Raises TooManyReadings, Conflict for a second correction of the same machine.
    """
    _lock(by)
    check_room(TableReading.objects.filter(requested_by=by, state__in=sorted(OPEN)).count())
    reading = TableReading(purpose=purpose, requested_by=by, machine=machine, asked=dict(asked or {}))
    if received is not None:
        reading.file_name, reading.size_bytes, reading.sha256 = received.name, received.size, received.sha256
        reading.path = f"uploads/{by.pk}/{reading.pk}"
    elif machine is not None:
        reading.file_name, reading.size_bytes = machine.machine_name[:300], size_of_lines(machine)
    _insert(reading)
    if received is not None:
        # Last: should the transaction still fail, the file is an orphan that the cleaning loop finds.
        keep(received, reading.path)
    return reading


def append_by_work(
    machine: Machine, received: Received, purpose: str, *, by: Any, answers: str = "csv"
) -> TableReading:
    """Have a file's lines appended once they are read, and for answers solved, into a file of that kind.

    Raises what would be refused then as well, and is told now.
    """
    if purpose == ReadingPurpose.LEARNING:
        refuse_during_training(machine)
    if purpose == ReadingPurpose.ANSWERS and not machine.is_trained:
        raise NotTrained("Train the machine first; until then it has no answers.")
    look_at(received, least_columns=least_columns(purpose))
    asked = {"answers": answers} if purpose == ReadingPurpose.ANSWERS else None
    return request_reading(by=by, purpose=purpose, received=received, machine=machine, asked=asked)


@transaction.atomic
def correct_by_work(
    machine: Machine, *, by: Any, changes: Mapping[str, Any], also: Callable[[], object] | None = None
) -> TableReading:
    """Have a machine's table read anew with corrections, and do `also` what is done at once: both, or neither.

    Raises what would be refused then, as far as it is known.
    """
    check_correction(machine, changes)
    asked = {name: value for name, value in changes.items() if value is not None}
    reading = request_reading(by=by, purpose=ReadingPurpose.CORRECTION, machine=machine, asked=asked)
    if also:
        also()
    return reading


def size_of_lines(machine: Machine) -> int:
    """Bytes that a reading anew of what the machine learns from takes."""
    return sum(machine.data_lines.filter(purpose="learning").values_list("size_bytes", flat=True))


def _lock(person: Any) -> None:
    """Two requests of one person count what is open one after the other."""
    get_user_model().objects.select_for_update().get(pk=person.pk)


def _insert(reading: TableReading) -> None:
    try:
        with transaction.atomic():
            reading.save(force_insert=True)
    except IntegrityError:
        raise Conflict("Its table is being read anew already; wait for the end of it or cancel it.") from None


def lease_reading(*, largest: int | None = None, now: datetime | None = None) -> TableReading | None:
    """The next upload to be read, of at most `largest` bytes, under a new token; None when there is none.

    One whose worker was not heard of is taken up again, and fails after its last attempt.
    """
    while True:
        with transaction.atomic():
            reading = _next(at := now or database_now(), largest)
            if reading is None:
                return None
            if reading.attempts < MOST_ATTEMPTS:
                reading.state = must_become(reading.state, ReadingState.RUNNING)
                reading.attempts, reading.lease_token = reading.attempts + 1, reading.lease_token + 1
                reading.lease_expires_at, reading.started_at = at + LEASE, at
                reading.progress_percent, reading.lines_read, reading.reason = 0, 0, ""
                reading.save()
                return reading
            _end(reading, ReadingState.FAILED, at=at, reason=_given_up(reading))


def _given_up(reading: TableReading, why: str = "") -> str:
    said = f"Given up after {reading.attempts} attempts; nothing was kept."
    return f"{said} {why}" if why else f"{said} Send the file again."


def _next(at: datetime, largest: int | None) -> TableReading | None:
    due = Q(state=ReadingState.QUEUED, lease_expires_at=None) | Q(state__in=sorted(OPEN), lease_expires_at__lte=at)
    waiting = TableReading.objects.select_for_update(skip_locked=True).filter(due)
    if largest is not None:
        waiting = waiting.filter(size_bytes__lte=largest)
    return waiting.order_by("created_at").first()


@transaction.atomic
def report_reading(*, reading_id: UUID, token: int, percent: float, lines: int, now: datetime | None = None) -> None:
    """A heartbeat of the worker that reads. Raises LeaseLost once it is somebody else's, ended or cancelled."""
    reading = _held(reading_id, token)
    reading.lease_expires_at = (now or database_now()) + LEASE
    reading.progress_percent, reading.lines_read = min(100.0, max(0.0, percent)), lines
    reading.save()


@transaction.atomic
def finish_reading(
    *,
    reading_id: UUID,
    token: int,
    machine: Machine,
    work: Work | None = None,
    lines: int,
    now: datetime | None = None,
) -> None:
    """It ended well; said in the transaction that keeps what came of it, so that both are there or neither.

    Raises LeaseLost, with which what came of it is dropped.
    """
    reading = _held(reading_id, token)
    reading.machine, reading.work, reading.lines_read, reading.progress_percent = machine, work, lines, 100.0
    _end(reading, ReadingState.SUCCEEDED, at=now or database_now(), reason="")


@transaction.atomic
def fail_reading(*, reading_id: UUID, token: int, reason: str, field: str = "", now: datetime | None = None) -> None:
    """The file cannot be read as it is: the reading ends with the reason. Raises LeaseLost."""
    reading = _held(reading_id, token)
    _end(reading, ReadingState.FAILED, at=now or database_now(), reason=reason, field=field)


@transaction.atomic
def postpone_reading(*, reading_id: UUID, token: int, why: str, now: datetime | None = None) -> None:
    """Nothing is wrong, it is only too early: the attempt does not count. Raises LeaseLost."""
    reading = _held(reading_id, token)
    reading.attempts -= 1
    _later(reading, why, now or database_now())


@transaction.atomic
def retry_reading(*, reading_id: UUID, token: int, why: str, now: datetime | None = None) -> None:
    """The attempt broke down: it is made again, and fails after the last. Raises LeaseLost."""
    reading = _held(reading_id, token)
    at = now or database_now()
    if reading.attempts >= MOST_ATTEMPTS:
        _end(reading, ReadingState.FAILED, at=at, reason=_given_up(reading, why))
    else:
        _later(reading, why, at)


def _later(reading: TableReading, why: str, at: datetime) -> None:
    reading.state = must_become(reading.state, ReadingState.QUEUED)
    reading.reason, reading.lease_expires_at = why, at + LATER
    reading.save()


@transaction.atomic
def cancel_reading(*, reading_id: UUID, now: datetime | None = None) -> TableReading:
    """It ends now, whoever reads it, and nothing is kept. Raises ReadingEnded, NotFound."""
    reading = TableReading.objects.select_for_update().filter(pk=reading_id).first()
    if reading is None:
        raise NotFound(NO_READING)
    _end(reading, ReadingState.CANCELLED, at=now or database_now(), reason="Cancelled; nothing was kept.")
    return reading


def _end(reading: TableReading, state: ReadingState, *, at: datetime, reason: str, field: str = "") -> None:
    reading.state = must_become(reading.state, state)
    reading.reason, reading.reason_field = reason, field[:300]
    reading.finished_at, reading.lease_expires_at = at, None
    reading.save()
    if path := reading.path:
        # What it became has the bytes under a name of its own by now.
        transaction.on_commit(lambda: remove(path))


def _held(reading_id: UUID, token: int) -> TableReading:
    """The locked reading, if the lease with `token` still has it."""
    reading = TableReading.objects.select_for_update().filter(pk=reading_id).first()
    if reading is None or reading.lease_token != token or reading.state != ReadingState.RUNNING:
        raise LeaseLost("This reading was given to another worker or has ended; what was found is dropped.")
    return reading
