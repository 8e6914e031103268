"""Servers: known by their names, heard of at their greetings, given the work that fits their memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from ml.commands.clock import database_now
from ml.models import Server, Work
from ml.rules.placement import MIB
from ml.rules.work import LEASE, WorkState, must_become


@transaction.atomic
def register_server(
    *, name: str, cpu_count: int, gpu_ram: Sequence[int] = (), ram_bytes: int = 0, now: datetime | None = None
) -> Server:
    """The server of that name, ready from now on; `gpu_ram` is in MiB."""
    server, _ = Server.objects.get_or_create(server_name=name)
    server.server_info_ready = True
    server.server_cpu_count, server.server_gpu_ram, server.server_ram_bytes = cpu_count, list(gpu_ram), ram_bytes
    server.heartbeat_at = now or database_now()
    server.save()
    return server


def greet_from_server(*, server: Server, ready: bool) -> None:
    """The server's heartbeat, and whether it could take work."""
    Server.objects.filter(pk=server.pk).update(heartbeat_at=database_now(), server_info_ready=ready)


@transaction.atomic
def lease_work(*, server: Server, now: datetime | None = None) -> Work | None:
    """The next queued work that fits `server`, leased to it under a new token; None when there is none.

    Two servers never get the same work: the row is locked, and a row that another locks is passed over. What was
    found of it before stays to be seen until the server says something newer.
    """
    queued = Work.objects.select_for_update(skip_locked=True).filter(state=WorkState.QUEUED)
    if server.server_ram_bytes:
        queued = queued.filter(needed_ram_bytes__lte=server.server_ram_bytes)
    if server.server_gpu_ram:
        queued = queued.filter(needed_gpu_bytes__lte=max(server.server_gpu_ram) * MIB)
    work = queued.order_by("-priority", "created_at").first()
    if work is None:
        return None
    at = now or database_now()
    work.state = must_become(work.state, WorkState.LEASED)
    work.server, work.attempts, work.lease_token = server, work.attempts + 1, work.lease_token + 1
    work.heartbeat_at, work.lease_expires_at = at, at + LEASE
    work.progress_rate = work.progress_seconds_left = None
    work.save()
    return work
