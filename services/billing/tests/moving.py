"""Movements on two machines, for what reads statements."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from billing.tests.world import Person, World
from event_bus.testing import deliver
from shared_models.ids import new_id

WINE, BEER = new_id(), new_id()


def use(world: World, person: Person, lines: int = 1000, machine: UUID = WINE, **changes: Any) -> None:
    """A solving; 1000 lines cost 0.1 USD, and one more a ten-thousandth."""
    deliver(world.solved(person, lines=lines, machine_id=machine, **changes))
