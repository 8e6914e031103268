"""Work as servers see it: leased, begun, kept alive, finished; every write is fenced by the newest lease's token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from ml import publishes
from ml.commands.clock import database_now
from ml.commands.drift import keep_drift
from ml.commands.work import end_work
from ml.drifting import this_hour
from ml.models import DataLine, EncDecConfiguration, Machine, NNModel, Work
from ml.rules.work import HELD_BY_A_SERVER, LEASE, LeaseLost, WorkState, after_lost_attempt, must_become
from shared_models.ids import derived_id

MOST_LOSS_POINTS = 200


@dataclass(frozen=True, slots=True)
class StoredModel:
    """What a training left in the object store."""

    folder: str
    sha256: str
    size_bytes: int
    card: dict[str, Any]
    encoder: dict[str, Any]
    widths: dict[str, int]


@transaction.atomic
def begin_work(*, work_id: UUID, token: int, now: datetime | None = None) -> Work:
    """The server has started; said again, it changes nothing. Raises LeaseLost."""
    work = _held(work_id, token)
    if work.state == WorkState.RUNNING:
        return work
    at = now or database_now()
    work.state = must_become(work.state, WorkState.RUNNING)
    work.started_at = at
    _extend(work, at)
    work.save()
    publishes.work_started(work, at)
    return work


@transaction.atomic
def report_progress(*, work_id: UUID, token: int, progress: list[dict[str, Any]], now: datetime | None = None) -> None:
    """A heartbeat with what happened since the last one. Raises LeaseLost once the work is somebody else's or ended."""
    work = _held(work_id, token)
    _extend(work, now or database_now())
    if progress:
        last = progress[-1]
        work.progress_stage = str(last["stage"])[:20]
        work.progress_percent = min(100.0, max(0.0, float(last["percent"])))
        work.progress_rate, work.progress_seconds_left = last.get("steps_per_second"), last.get("seconds_left")
        work.loss_points = _thinned(_joined(work.loss_points, [p for said in progress if (p := _point(said))]))
    work.save()


def _point(said: dict[str, Any]) -> list[Any] | None:
    if said.get("validation_loss") is None:
        return None
    return [said["step"], said["train_loss"], said["validation_loss"]]


def _joined(before: list[list[Any]], points: list[list[Any]]) -> list[list[Any]]:
    """One curve: where a server goes on from an earlier step than was reached before, the newer points count."""
    return [point for point in before if point[0] < points[0][0]] + points if points else before


def _thinned(points: list[list[Any]]) -> list[list[Any]]:
    """A long curve keeps every other point, so that the row stays small; its end is always there."""
    return points if len(points) <= MOST_LOSS_POINTS else [*points[:-1:2], points[-1]]


@transaction.atomic
def finish_training(*, work_id: UUID, token: int, model: StoredModel, now: datetime | None = None) -> Machine:
    """The machine has the model and its figures, and billing hears of the usage: all of it or nothing.

    Raises LeaseLost for a server that lost the work: then nothing of its model is kept.
    """
    work = _held(work_id, token)
    machine = Machine.objects.select_for_update().get(pk=work.machine_id)
    at = now or database_now()
    _succeed(work, at)
    old_model, old_encoder = machine.training_nn_model, machine.enc_dec_configuration
    machine.training_nn_model = NNModel.objects.create(
        folder=model.folder, sha256=model.sha256, size_bytes=model.size_bytes, card=model.card, work_id=work.pk
    )
    machine.enc_dec_configuration = EncDecConfiguration.objects.create(
        enc_dec_config_json=model.encoder, format_version=model.encoder["version"]
    )
    work.learning_lines = model.card["data"]["learning_lines"]
    work.evaluation_lines = model.card["data"]["evaluation_lines"]
    work.text_warning = [*work.text_warning, *model.card["limits"]]
    work.save()
    keep_figures(machine, model, at)
    machine.version += 1
    machine.save()
    for old in (old_model, old_encoder):
        if old is not None:
            old.delete()
    publishes.training_completed(work, machine, scores=scores_of(model.card))
    publishes.machine_changed(machine)
    return machine


@transaction.atomic
def finish_solving(
    *,
    work_id: UUID,
    token: int,
    path: str,
    sha256: str,
    lines: int,
    warnings: list[str],
    drift: dict[str, list[int]] | None = None,
    now: datetime | None = None,
) -> Work:
    """The result can be downloaded, and billing hears of the usage: both or neither. Raises LeaseLost."""
    work = _held(work_id, token)
    machine = Machine.objects.select_for_update().get(pk=work.machine_id)
    at = now or database_now()
    _succeed(work, at)
    work.result_path, work.result_sha256, work.result_lines, work.text_warning = path, sha256, lines, warnings
    work.save()
    DataLine.objects.filter(pk__in=work.data_lines).update(is_solved=True)
    publishes.solving_completed(
        machine,
        usage_id=derived_id("ml.solving", work.pk),
        payer_id=work.payer_id,
        channel="own",
        lines=lines,
        at=at,
        work_id=work.pk,
    )
    if drift and machine.training_nn_model_id:
        model_id = machine.training_nn_model_id
        keep_drift(machine_id=machine.pk, model_id=model_id, hour=this_hour(at), counts=drift)
    return work


@transaction.atomic
def fail_work(*, work_id: UUID, token: int, reason: str, now: datetime | None = None) -> None:
    """The work cannot succeed, however often it is tried: it fails with the reason. Raises LeaseLost."""
    end_work(_held(work_id, token), WorkState.FAILED, at=now or database_now(), reason=reason)


@transaction.atomic
def lose_attempt(*, work_id: UUID, token: int, reason: str, now: datetime | None = None) -> None:
    """The attempt broke down: the work is queued again, or dead after the last attempt. Raises LeaseLost."""
    _requeue(_held(work_id, token), reason, now or database_now())


@transaction.atomic
def give_back_work(*, work_id: UUID, token: int) -> None:
    """The server is being stopped: the work waits for another as if it had never been leased. Raises LeaseLost."""
    work = _held(work_id, token)
    work.state = must_become(work.state, WorkState.QUEUED)
    work.attempts -= 1
    _let_go(work, database_now())
    work.save()


def give_up_expired_leases(*, now: datetime | None = None) -> int:
    """Work whose server has not been heard of is queued again, or dead after its last attempt; how many there were."""
    at = now or database_now()
    held = Work.objects.filter(state__in=sorted(HELD_BY_A_SERVER), lease_expires_at__lte=at)
    count = 0
    for work_id in list(held.values_list("pk", flat=True)):
        with transaction.atomic():
            work = Work.objects.select_for_update().get(pk=work_id)
            if work.lease_has_expired_at(at):
                _requeue(work, "its server was not heard of any more", at)
                count += 1
    return count


def _requeue(work: Work, reason: str, at: datetime) -> None:
    following = after_lost_attempt(work.attempts)
    if following == WorkState.DEAD:
        end_work(work, following, at=at, reason=f"Given up after {work.attempts} attempts: {reason}.")
        return
    work.state = must_become(work.state, following)
    _let_go(work, at)
    work.text_warning = [*work.text_warning, f"Attempt {work.attempts} was lost: {reason}."]
    work.save()


def _let_go(work: Work, at: datetime) -> None:
    if work.started_at is not None:
        work.spent_seconds += max(0.0, ((work.heartbeat_at or at) - work.started_at).total_seconds())
    work.started_at, work.lease_expires_at, work.server = None, None, None


def _held(work_id: UUID, token: int) -> Work:
    """The locked work, if the lease with `token` still has it."""
    work = Work.objects.select_for_update().filter(pk=work_id).first()
    if work is None or work.lease_token != token or work.state not in HELD_BY_A_SERVER:
        raise LeaseLost("This work was given to another server or has ended; what was found is dropped.")
    return work


def _extend(work: Work, at: datetime) -> None:
    work.heartbeat_at, work.lease_expires_at = at, at + LEASE


def _succeed(work: Work, at: datetime) -> None:
    work.state = must_become(work.state, WorkState.SUCCEEDED)
    work.finished_at, work.lease_expires_at = at, None
    work.progress_percent, work.progress_stage, work.progress_seconds_left = 100.0, "finished", 0.0
    work.real_seconds = work.spent_seconds + (at - (work.started_at or at)).total_seconds()


def scores_of(card: dict[str, Any]) -> dict[str, float]:
    """The scores others hear of: each output's, beside those of the constant and the linear model."""
    found: dict[str, float] = {}
    for output, detail in card["metrics"]["outputs"].items():
        name = detail["score"]["name"]
        found[f"{output}:{name}"] = detail["score"]["value"]
        for baseline, said in detail["baselines"].items():
            found[f"{output}:{name}:{baseline}"] = said["score"]["value"]
    return found


def keep_figures(machine: Machine, model: StoredModel, at: datetime) -> None:
    """Set the figures of the training on the machine, under the names the API knows them by."""
    card, encoder = model.card, model.encoder
    networks, data, seconds = list(card["networks"].values()), card["data"], card["seconds"]
    lines = data["learning_lines"] + data["evaluation_lines"]
    for name, value in card["metrics"]["loss"].items():
        setattr(machine, f"training_{name}_loss", value)
    for name, value in card["metrics"]["accuracy"].items():
        setattr(machine, f"training_{name}_accuracy", value)
    outputs = card["metrics"]["outputs"]
    machine.training_outputs_loss = {name: detail["loss"] for name, detail in outputs.items()}
    machine.training_outputs_accuracy = {name: detail["accuracy"] for name, detail in outputs.items()}
    machine.fe_columns_inputs_importance_evaluation = card["importance"]
    machine.fe_columns_fet = _encodings(encoder)
    machine.fe_count_of_fet = len(encoder["inputs"])
    machine.fe_find_delay_sec = seconds.get("encoding")
    machine.fe_columns_inputs_importance_find_delay_sec = seconds.get("evaluating")
    machine.enc_dec_columns_info_input_encode_count = model.widths
    machine.enc_dec_columns_info_output_encode_count = {
        output["column"]: len(output.get("labels", ())) or 1 for output in encoder["outputs"]
    }
    machine.training_total_delay_sec = seconds["total"]
    machine.training_cell_delay_sec = seconds["total"] / max(1, lines * encoder["width"])
    machine.training_date_time = at
    machine.training_batch_size = networks[0]["batch"]
    seen = max(network["steps"] * network["batch"] for network in networks)
    machine.training_epoch_count = max(1, round(seen / max(1, data["learning_lines"])))
    machine.training_total_line_count = lines
    hardware = card["hardware"]
    machine.training_hardware = f"{hardware['machine']}, {hardware['threads']} thread, {hardware['kind']}"
    machine.log_work_message = {**dict(list(machine.log_work_message.items())[-19:]), at.isoformat(): "trained"}
    machine.log_work_status = {**dict(list(machine.log_work_status.items())[-19:]), at.isoformat(): True}
    for part in ("mdc", "ici", "fe", "enc_dec", "nn_config", "model"):
        setattr(machine, f"machine_is_re_run_{part}", False)


def _encodings(encoder: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in encoder["inputs"]:
        found.setdefault(entry["column"], []).append(entry["kind"])
    return found
