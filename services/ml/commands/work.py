"""Work as people and billing see it: asked for, funded or refused, cancelled, charged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from ml import publishes
from ml.commands.clock import database_now
from ml.commands.machines import NotTrained, fixed_level, locked_machine
from ml.models import DataLine, DataLinesOperation, Machine, Work
from ml.models.work import ANSWERS
from ml.queries import solving_offer
from ml.rules.placement import solving_ram, training_gpu_ram, training_ram
from ml.rules.work import ENDED, WorkKind, WorkState, must_become
from service_base.errors import BadInput, Conflict, NotFound
from shared_models.money import plain

LEAST_TIME_LIMIT = 5


@transaction.atomic
def request_training(
    *,
    machine_id: UUID,
    by: Any,
    level: int,
    estimated_seconds: float,
    quoted_eaml: Decimal,
    time_limit: int | None = None,
) -> Work:
    """Ask for a training that the machine's owner pays; it waits for billing's answer.

    Raises BadInput for columns that cannot be learnt, Conflict when one is under way or the level is another.
    """
    machine = locked_machine(machine_id)
    level = fixed_level(machine, level)
    _must_be_learnable(machine)
    if time_limit is not None and time_limit < LEAST_TIME_LIMIT:
        raise BadInput(f"A time limit is at least {LEAST_TIME_LIMIT} seconds.", field="time_limit")
    if machine.machine_level != level:
        machine.machine_level = level
        machine.save(update_fields=["machine_level", "updated_at"])
    work = Work(
        machine=machine,
        kind=WorkKind.TRAINING,
        requested_by=by,
        payer_id=machine.owner_id,
        level=level,
        columns=machine.mdc_columns_total_count,
        learning_lines=machine.learning_lines,
        evaluation_lines=machine.evaluation_lines,
        estimated_seconds=estimated_seconds,
        quoted_eaml=quoted_eaml,
        time_limit_seconds=time_limit,
        **_needs(machine, level),
    )
    _insert_alone(work)
    publishes.work_requested(work)
    return work


def _needs(machine: Machine, level: int) -> dict[str, Any]:
    columns, lines = machine.mdc_columns_total_count, machine.learning_lines + machine.evaluation_lines
    return {
        "needed_ram_bytes": training_ram(columns=columns, lines=lines, level=level),
        "needed_gpu_bytes": training_gpu_ram(columns=columns, level=level),
    }


def _insert_alone(work: Work) -> None:
    try:
        with transaction.atomic():
            work.save(force_insert=True)
    except IntegrityError:
        raise Conflict("The machine is being trained already; wait for the end or cancel it.") from None


def _must_be_learnable(machine: Machine) -> None:
    for name in machine.mdc_columns_name_output:
        if machine.mdc_columns_data_type[name] not in ("FLOAT", "LABEL"):
            kind = machine.mdc_columns_data_type[name]
            raise BadInput(
                f"{name!r} is {kind}; only numbers and labels can be predicted. Choose another output or type.",
                field=name,
            )
    if not machine.mdc_columns_name_input:
        raise BadInput("No column is left to learn from; use more columns as inputs.", field="inputs")
    for name, said in machine.machine_columns_errors.items():
        raise BadInput(f"{name!r}: {said}. Correct its type first.", field=name)


@transaction.atomic
def request_solving(
    *,
    machine_id: UUID,
    by: Any,
    data_line_ids: Sequence[UUID] = (),
    answers: str = "csv",
) -> Work:
    """Ask for the solving of the given stretches, or of all appended for solving and not solved yet.

    `answers` is the kind of file they come in. Price and time are those of the lines that are taken. Raises NotTrained,
    NoPrices, and BadInput when there is nothing to solve.
    """
    check_answers(answers)
    machine = locked_machine(machine_id)
    if not machine.is_trained:
        raise NotTrained("Train the machine first; until then it has no answers.")
    lines = unsolved_lines(machine, data_line_ids)
    if not lines:
        raise BadInput("There are no lines to be solved; append some for solving first.", field="lines")
    count = sum(line.line_count for line in lines)
    eaml, seconds = solving_offer(count)
    work = Work.objects.create(
        machine=machine,
        kind=WorkKind.SOLVING,
        requested_by=by,
        payer_id=machine.owner_id,
        level=machine.machine_level,
        columns=machine.mdc_columns_total_count,
        answers_format=answers,
        solving_lines=count,
        data_lines=[str(line.pk) for line in lines],
        needed_ram_bytes=solving_ram(),
        estimated_seconds=seconds,
        quoted_eaml=eaml,
    )
    DataLinesOperation.objects.filter(machine_id=machine.pk, is_added_for_solving=True).delete()
    publishes.work_requested(work)
    return work


def check_answers(kind: str) -> None:
    """Raises BadInput for a kind of file that answers do not come in."""
    if kind not in ANSWERS:
        raise BadInput(f"Answers come as {', '.join(ANSWERS)}; choose one of them.", field="answers")


def unsolved_lines(machine: Machine, only: Sequence[UUID] = ()) -> list[DataLine]:
    """Stretches for solving that have no answers yet and are in no open work."""
    waiting = machine.data_lines.filter(purpose="solving", is_solved=False).order_by("sequence")
    if only:
        waiting = waiting.filter(pk__in=only)
    open_works = machine.works.exclude(state__in=sorted(ENDED)).values_list("data_lines", flat=True)
    taken = {line for lines in open_works for line in lines}
    return [line for line in waiting if str(line.pk) not in taken]


@transaction.atomic
def authorize_work(
    *, work_id: UUID, hold_id: UUID, held: list[dict[str, str]], price_version: int, expires_at: datetime
) -> None:
    """Funds are held: the work may start. Work that ended meanwhile stays ended; a repeated answer changes nothing."""
    work = _locked(work_id)
    if work is None or work.state != WorkState.AWAITING_FUNDS:
        return
    work.state = must_become(work.state, WorkState.QUEUED)
    work.hold_id, work.held, work.price_version, work.hold_expires_at = hold_id, held, price_version, expires_at
    work.save()


@transaction.atomic
def decline_work(*, work_id: UUID, reason: str, missing: Decimal, currency: str, at: datetime) -> None:
    """Funds are short: the work fails and says how much is missing."""
    work = _locked(work_id)
    if work is None or work.state != WorkState.AWAITING_FUNDS:
        return
    end_work(work, WorkState.FAILED, at=at, reason=why_declined(reason, missing, currency))


def why_declined(reason: str, missing: Decimal, currency: str) -> str:
    """Billing's refusal as its reader needs it."""
    said = reason.rstrip(".").replace("_", " ")
    short = f" ({plain(missing)} {currency} are missing)" if missing else ""
    return f"Not started: {said}{short}. Top up the wallet and start again."


@transaction.atomic
def expire_hold(*, work_id: UUID, at: datetime) -> None:
    """The reservation ran out before the end: the work stops, and nothing is charged."""
    work = _locked(work_id)
    if work is None or not work.is_open:
        return
    end_work(work, WorkState.CANCELLED, at=at, reason="The funds held for it were released before it ended.")


@transaction.atomic
def cancel_work(*, work_id: UUID, at: datetime | None = None) -> Work:
    """The work ends now and nothing is charged; its server drops it at its next heartbeat. Raises WrongState."""
    work = _locked(work_id)
    if work is None:
        raise NotFound("There is no such work, or it is not yours.")
    end_work(work, WorkState.CANCELLED, at=at or database_now(), reason="Cancelled; nothing was charged.")
    return work


def end_work(work: Work, state: WorkState, *, at: datetime, reason: str) -> None:
    """End locked work without a result and tell billing, so that what was held is free again."""
    work.state = must_become(work.state, state)
    work.reason, work.finished_at = reason, at
    work.lease_expires_at = None
    work.progress_seconds_left = None
    work.save()
    publishes.work_failed(work, cancelled=state == WorkState.CANCELLED)


def _locked(work_id: UUID) -> Work | None:
    return Work.objects.select_for_update().filter(pk=work_id).first()
