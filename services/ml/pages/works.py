"""Work: all of it, what became of each, and one as it runs with percent, time left, losses and the way to end it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from ml import commands, queries
from ml.models import Work
from ml.rules.access import Right
from ml.rules.work import WorkState
from ml.store import place
from service_base.downloads import file_download
from service_base.errors import NotFound, Refusal
from service_base.pages import PageRequest, show, signed_in
from service_base.pagination import page_of
from shared_models.clock import utc_now


@require_POST
@signed_in
async def train(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """Start a training at the level whose price was shown."""
    try:
        asked = await sync_to_async(_train)(request, machine_id)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
        return HttpResponseRedirect(reverse("setup", args=[machine_id]))
    return HttpResponseRedirect(reverse("work", args=[asked.pk]))


def _train(request: PageRequest, machine_id: UUID) -> Work:
    machine = queries.machine_for(request.caller, machine_id, Right.CHANGE)
    level = request.POST.get("level", "")
    chosen = int(level) if level.isdigit() else machine.machine_level
    offer = queries.offer(machine, chosen)
    return commands.request_training(
        machine_id=machine.pk,
        by=request.caller.user,
        level=chosen,
        estimated_seconds=offer.seconds,
        quoted_eaml=offer.price_eaml,
    )


@require_safe
@signed_in
async def works(request: PageRequest) -> HttpResponse:
    """All work on the person's machines, what died among it, and the servers that do it."""
    return await show(request, "ml/works.html", await sync_to_async(_works)(request))


def _works(request: PageRequest) -> dict[str, Any]:
    chosen = request.GET.get("state", "")
    rows = queries.visible_works(request.caller)
    if chosen in set(WorkState):
        rows = rows.filter(state=chosen)
    found, following = page_of(rows, cursor=request.GET.get("cursor"), limit=30)
    is_operator = request.caller.is_operator
    return {
        "works": found,
        "next_cursor": following,
        "chosen": chosen,
        "states": [(state.value, state.value.replace("_", " ")) for state in WorkState],
        "running": queries.live_servers().count(),
        "ready": queries.live_servers().filter(server_info_ready=True).count(),
        "servers": queries.all_servers() if is_operator else [],
        "dead": queries.dead_works() if is_operator else [],
    }


@require_safe
@signed_in
async def work(request: PageRequest, work_id: UUID) -> HttpResponse:
    """The work's page."""
    return await show(request, "ml/work.html", await sync_to_async(_work)(request, work_id))


@require_safe
@signed_in
async def live(request: PageRequest, work_id: UUID) -> HttpResponse:
    """The part of the page that changes."""
    context = await sync_to_async(_work)(request, work_id)
    return await show(request, "ml/parts/work_live.html", context | {"is_fragment": True})


def _work(request: PageRequest, work_id: UUID) -> dict[str, Any]:
    found = queries.work_for(request.caller, work_id)
    right = Right.CHANGE if found.is_work_training else Right.SOLVE
    return {
        "work": found,
        "machine": found.machine,
        "before": queries.place_in_queue(found),
        "waits_because": queries.why_it_waits(found),
        "may_cancel": found.is_open and right in queries.rights_of(request.caller, found.machine),
        "scores": queries.scores_of(found.machine) if found.state == "succeeded" and found.is_work_training else [],
        "losses": found.losses(),
        "steps": [step for step, _, _ in found.loss_points],
        "seconds_left": found.seconds_left_at(utc_now()),
    }


@require_POST
@signed_in
async def cancel(request: PageRequest, work_id: UUID) -> HttpResponse:
    """End the work; nothing is charged."""

    def do() -> None:
        found = queries.work_for(request.caller, work_id)
        right = Right.CHANGE if found.is_work_training else Right.SOLVE
        queries.work_for(request.caller, work_id, right)
        commands.cancel_work(work_id=found.pk)

    try:
        await sync_to_async(do)()
        messages.success(request, "Cancelled. Nothing was kept and nothing is charged.")
    except NotFound:
        raise
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    return HttpResponseRedirect(reverse("work", args=[work_id]))


@require_safe
@signed_in
async def result(request: PageRequest, work_id: UUID) -> Any:
    """The answers as a file."""
    found = await sync_to_async(queries.solved_work_for)(request.caller, work_id)
    return file_download(place(found.result_path), name=found.result_name, media_type=found.result_type)
