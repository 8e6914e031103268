"""Asking a machine for rows over HTTP, and what is said of it."""

from __future__ import annotations

import json
from typing import Any

from asgiref.sync import sync_to_async

from event_bus.testing import said
from ml.models import PublishedUsage
from ml.tests.world import ROW
from shared_models.events import ml


async def solve(client: Any, machine: Any, rows: list[Any] | None = None) -> Any:
    path = f"/api/v1/machines/{machine.pk}/solve"
    return await client.post(path, json.dumps({"rows": rows or [ROW]}), content_type="application/json")


async def usage() -> list[ml.SolvingCompleted]:
    return await sync_to_async(lambda: said(ml.SolvingCompleted))()


async def listed() -> int:
    """How many solved lines' usages are listed: all but the training's."""
    return await PublishedUsage.objects.filter(lines=1).acount()
