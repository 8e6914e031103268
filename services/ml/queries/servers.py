"""Which servers there are, what waits for one, and what a server may clear away."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now

from ml.models import NNModel, Server, Work
from ml.rules.placement import MIB, SILENT, fits
from ml.rules.work import OPEN, WorkState


def live_servers() -> QuerySet[Server]:
    """Servers that were heard of lately, by the database's clock."""
    return Server.objects.filter(heartbeat_at__gt=Now() - SILENT)


def all_servers() -> list[tuple[Server, bool]]:
    """Every server that ever was, those heard of last first, and whether it is there."""
    there = set(live_servers().values_list("pk", flat=True))
    return [(server, server.pk in there) for server in Server.objects.order_by("-heartbeat_at")[:100]]


def dead_works(count: int = 50) -> list[Work]:
    """Work of anybody's that was given up after its last attempt, the newest first: something is broken there."""
    dead = Work.objects.filter(state=WorkState.DEAD).select_related("machine")
    return list(dead.order_by("-finished_at")[:count])


def why_it_waits(work: Work) -> str:
    """What keeps queued work from starting, other than the work before it; nothing where a server will take it."""
    if work.state != WorkState.QUEUED:
        return ""
    servers = list(live_servers())
    if not servers:
        return "No server runs just now. It starts as soon as one does."
    if any(_fits(server, work) for server in servers):
        return ""
    gpu = f" or {_gib(work.needed_gpu_bytes)} of a GPU" if any(server.server_gpu_ram for server in servers) else ""
    return f"It needs about {_gib(work.needed_ram_bytes)} of memory{gpu}, which none of the servers that run has."


def is_kept(path: str) -> bool:
    """Whether a model or a result of that place was stored: then nobody clears it away."""
    return NNModel.objects.filter(folder=path).exists() or Work.objects.filter(result_path=path).exists()


def has_ended(work_id: UUID) -> bool:
    """Whether nobody will go on with the work."""
    return not Work.objects.filter(pk=work_id, state__in=sorted(OPEN)).exists()


def _fits(server: Server, work: Work) -> bool:
    return fits(
        ram=server.server_ram_bytes,
        gpu_ram=server.server_gpu_ram,
        needs_ram=work.needed_ram_bytes,
        needs_gpu=work.needed_gpu_bytes,
    )


def _gib(count: int) -> str:
    return f"{count / (1024 * MIB):.1f} GiB"
