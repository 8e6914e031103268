"""What billing knows of ml's machines: their names and whose they are, as ml's events tell."""

from __future__ import annotations

from collections.abc import Iterable

from service_base.principals.tables import Projection
from shared_models.events import ml

MACHINES = Projection(
    "known_machine",
    ("id",),
    {
        "id": "uuid",
        "version": "bigint",
        "machine_name": "text",
        "machine_owner_id": "uuid",
        "machine_owner_team_id": "uuid",
        "deleted": "boolean",
    },
    "version",
)


def remember_machines(events: Iterable[ml.MachineChanged]) -> None:
    """Keep the machines as they are now; an older event never takes the place of a newer one."""
    MACHINES.put(
        {
            "id": event.machine_id,
            "version": event.version,
            "machine_name": event.machine_name,
            "machine_owner_id": event.machine_owner_id,
            "machine_owner_team_id": event.machine_owner_team_id,
            "deleted": event.deleted,
        }
        for event in events
    )
