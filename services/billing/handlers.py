"""What billing does when ml speaks: reserve, charge, give back."""

from __future__ import annotations

from billing import commands
from billing.rules.kinds import OperationKind, solving_kind
from billing.rules.usage import Told, Used, WantedWork
from event_bus import on
from shared_models.events import Envelope, ml


@on(ml.WorkRequested)
def reserve_funds(event: ml.WorkRequested, envelope: Envelope) -> None:
    """Quote the work and hold its price, or decline it."""
    training = event.kind == "training"
    wanted = WantedWork(
        work_id=event.work_id,
        kind=OperationKind.TRAINING if training else OperationKind.SOLVING,
        machine_id=event.machine_id,
        machine_name=event.machine_name,
        machine_owner_id=event.machine_owner_id,
        payer_id=event.payer_id,
        columns=event.columns,
        lines=event.learning_lines + event.evaluation_lines if training else event.solving_lines,
        level=event.level,
    )
    commands.quote_and_hold(wanted=wanted, cause=envelope.id, at=event.requested_at)


@on(ml.WorkFailed)
def give_funds_back(event: ml.WorkFailed, envelope: Envelope) -> None:
    """Nothing came of the work, so nothing is charged."""
    commands.release_hold(work_id=event.work_id, payer_id=event.payer_id, at=event.ended_at)


@on(ml.TrainingCompleted)
def charge_training(event: ml.TrainingCompleted, envelope: Envelope) -> None:
    """Capture what the training used."""
    used = Used(
        key=f"training:{event.work_id}",
        kind=OperationKind.TRAINING,
        machine_id=event.machine_id,
        machine_name=event.machine_name,
        machine_owner_id=event.machine_owner_id,
        payer_id=event.payer_id,
        lines=event.learning_lines + event.evaluation_lines,
        columns=event.columns,
        work_id=event.work_id,
        level=event.level,
        epochs=event.epochs,
    )
    commands.capture_hold(used=used, told=Told(envelope.id, envelope.type, event.completed_at))


@on(ml.SolvingCompleted)
def charge_solving(event: ml.SolvingCompleted, envelope: Envelope) -> None:
    """Capture the hold of a solving work, or charge a solving request."""
    used = Used(
        key=f"solving:{event.usage_id}",
        kind=solving_kind(event.channel, payer_is_owner=event.payer_id == event.machine_owner_id),
        machine_id=event.machine_id,
        machine_name=event.machine_name,
        machine_owner_id=event.machine_owner_id,
        payer_id=event.payer_id,
        lines=event.lines,
        columns=event.columns,
        work_id=event.work_id,
        market_price_usd=event.market_price_usd,
    )
    charge = commands.capture_hold if event.work_id else commands.charge_solving
    charge(used=used, told=Told(envelope.id, envelope.type, event.completed_at))
