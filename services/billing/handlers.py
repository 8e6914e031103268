"""What billing does when ml speaks: reserve, charge, give back; a batch of events is one page of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from billing import commands
from billing.rules.kinds import OperationKind, solving_kind
from billing.rules.usage import Told, Used, WantedWork
from event_bus import on, on_batch
from shared_models.events import Envelope, ml
from shared_models.ids import text_of


@on_batch(ml.WorkRequested)
def reserve_funds(requested: Sequence[tuple[ml.WorkRequested, Envelope]]) -> None:
    """Quote each work and hold its price, or decline it."""
    wishes = [commands.Wish(_wanted(event), envelope.id, event.requested_at) for event, envelope in requested]
    commands.quote_and_hold(*wishes)


@on_batch(ml.WorkFailed)
def give_funds_back(failed: Sequence[tuple[ml.WorkFailed, Envelope]]) -> None:
    """Nothing came of the work, so nothing is charged."""
    commands.release_holds(*(commands.Ended(event.work_id, event.payer_id, event.ended_at) for event, _ in failed))


@on_batch(ml.TrainingCompleted)
def charge_training(completed: Sequence[tuple[ml.TrainingCompleted, Envelope]]) -> None:
    """Capture what each training used."""
    commands.charge(*(_happened(_trained(event), event.completed_at, envelope) for event, envelope in completed))


@on_batch(ml.SolvingCompleted)
def charge_solving(completed: Sequence[tuple[ml.SolvingCompleted, Envelope]]) -> None:
    """Capture the hold of a solving work, or charge a solving request."""
    commands.charge(*(_happened(_solved(event), event.completed_at, envelope) for event, envelope in completed))


@on_batch(ml.PurchaseRequested)
def reserve_price(requested: Sequence[tuple[ml.PurchaseRequested, Envelope]]) -> None:
    """Hold the price of each purchase, or decline it."""
    wishes = [commands.Wish(_offered(event), envelope.id, event.requested_at) for event, envelope in requested]
    commands.quote_and_hold(*wishes)


@on_batch(ml.PurchaseFailed)
def give_price_back(failed: Sequence[tuple[ml.PurchaseFailed, Envelope]]) -> None:
    """Nothing was delivered, so nothing is charged."""
    ended = (commands.Ended(event.purchase_id, event.buyer_id, event.ended_at) for event, _ in failed)
    commands.release_holds(*ended)


@on_batch(ml.PurchaseCompleted)
def charge_purchase(completed: Sequence[tuple[ml.PurchaseCompleted, Envelope]]) -> None:
    """The buyer pays the seller, less the platform's fee."""
    commands.charge(*(_happened(_bought(event), event.completed_at, envelope) for event, envelope in completed))


@on_batch(ml.MachineChanged)
def remember_machines(changed: Sequence[tuple[ml.MachineChanged, Envelope]]) -> None:
    """Keep the machines' names and owners, so that a person can ask for help with one of hers."""
    commands.remember_machines(event for event, _ in changed)


@on(ml.UsageCounted)
def keep_count(event: ml.UsageCounted, envelope: Envelope) -> None:
    """Keep what ml says it said, to compare it with what was charged."""
    commands.keep_count(event)


def _happened(used: Used, at: datetime, envelope: Envelope) -> commands.Happened:
    # Python compares and counts moments in its own UTC much faster than in that of the library that read them.
    return commands.happened(used, Told(envelope.id, envelope.type, at.astimezone(UTC)))


def _wanted(event: ml.WorkRequested) -> WantedWork:
    training = event.kind == "training"
    return WantedWork(
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


def _trained(event: ml.TrainingCompleted) -> Used:
    return Used(
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


def _solved(event: ml.SolvingCompleted) -> Used:
    return Used(
        key=f"solving:{text_of(event.usage_id)}",
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


def _offered(event: ml.PurchaseRequested) -> WantedWork:
    return WantedWork(
        work_id=event.purchase_id,
        kind=OperationKind(event.kind),
        machine_id=event.machine_id,
        machine_name=event.machine_name,
        machine_owner_id=event.seller_id,
        payer_id=event.buyer_id,
        columns=event.columns,
        lines=event.lines,
        level=0,
        price_usd=event.price_usd,
    )


def _bought(event: ml.PurchaseCompleted) -> Used:
    return Used(
        key=f"purchase:{event.purchase_id}",
        kind=OperationKind(event.kind),
        machine_id=event.machine_id,
        machine_name=event.machine_name,
        machine_owner_id=event.seller_id,
        payer_id=event.buyer_id,
        lines=event.lines,
        columns=event.columns,
        work_id=event.purchase_id,
        market_price_usd=event.price_usd,
    )
