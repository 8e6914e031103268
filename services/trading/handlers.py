"""What trading does when others speak."""

from __future__ import annotations

from event_bus import on
from shared_models.events import Envelope, ml, scheduler
from trading import commands


@on(scheduler.EconomicEventChanged)
def keep_economic_event(event: scheduler.EconomicEventChanged, envelope: Envelope) -> None:
    """Keep the event as it is now: bots pause around it."""
    commands.remember_economic_event(event)


@on(ml.TrainingCompleted)
def keep_machine(event: ml.TrainingCompleted, envelope: Envelope) -> None:
    """Know the machine: an ml_signal bot of its owner may ask it."""
    commands.remember_training(event)


@on(ml.MachineChanged)
def follow_machine(event: ml.MachineChanged, envelope: Envelope) -> None:
    """Follow the machine's name and owner, and offer a deleted one no longer."""
    if event.deleted:
        commands.forget_machine(machine_id=event.machine_id)
    else:
        commands.rename_machine(machine_id=event.machine_id, name=event.machine_name, owner_id=event.machine_owner_id)
