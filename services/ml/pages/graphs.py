"""The graph builder: a form whose address is the graph, the picture, and below it the same as tables."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from ml import commands, queries
from ml.drawings import DrawnGraph, Format, Theme, drawn_graph
from ml.figures import as_csv
from ml.models import Graph, Machine
from ml.pages.graph_form import form_of, wanted_graph
from ml.rules.access import Right
from ml.rules.graphs import Specification, specification
from service_base.errors import NotFound, Refusal
from service_base.pages import PageRequest, show, signed_in

SHOWN_ROWS = 200
KEPT_SHOWN = 50
_FORMATS: dict[str, Format] = {"svg": "svg", "png": "png", "pdf": "pdf"}
_SIZE = re.compile(rb'<svg [^>]*?width="([\d.]+)" height="([\d.]+)"')


@require_safe
@signed_in
async def graph(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """The builder; with htmx, the part of it that a choice changes."""
    htmx: Any = getattr(request, "htmx", None)
    if "was" in request.GET and not htmx:
        return await sync_to_async(_to_address)(request, machine_id)
    context = await sync_to_async(_builder)(request, machine_id)
    is_part = bool(htmx) and not htmx.history_restore_request
    template = "ml/parts/graph_builder.html" if is_part else "ml/graph.html"
    # An unfit choice is an answer of the form, not of the page: htmx must swap it in, and its address must stay.
    answer = await show(request, template, context, status=200 if is_part else context["status"])
    answer["Vary"] = "HX-Request, Cookie"
    answer["Cache-Control"] = "private, no-cache"
    if is_part:
        answer["HX-Push-Url"] = f"{reverse('graph', args=[machine_id])}?{context['query']}"
    return answer


def _to_address(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """A form that was sent without a script leads to its graph's own address."""
    machine = queries.machine_for(request.caller, machine_id, Right.SEE)
    spec, _ = wanted_graph(request.GET, queries.facts_of(machine), queries.favourites_of(machine))
    return _at(machine_id, spec)


def _at(machine_id: UUID, spec: Specification) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('graph', args=[machine_id])}?{urlencode(spec.query())}")


def _builder(request: PageRequest, machine_id: UUID) -> dict[str, Any]:
    machine = queries.machine_for(request.caller, machine_id, Right.SEE)
    facts, favourites = queries.facts_of(machine), queries.favourites_of(machine)
    spec, refusal = wanted_graph(request.GET, facts, favourites)
    drawn: DrawnGraph | None = None
    if refusal is None:
        try:
            drawn = drawn_graph(machine, spec)
        except NotFound:
            raise
        except Refusal as found:
            refusal = found
    return {
        "machine": machine,
        "form": form_of(spec, facts, favourites),
        "refusal": refusal,
        "status": refusal.status if refusal else 200,
        "may_keep": Right.APPEND in queries.rights_of(request.caller, machine),
        "kept": _kept(machine),
        **_address(spec),
        **(_shown(drawn) if drawn else {}),
    }


def _address(spec: Specification) -> dict[str, Any]:
    return {"query": urlencode(spec.query()), "fields": sorted(spec.query().items())}


def _kept(machine: Machine) -> list[dict[str, Any]]:
    return [
        {"graph": graph, "query": urlencode(graph.specification.query())}
        for graph in Graph.objects.filter(machine=machine).order_by("-created_at")[:KEPT_SHOWN]
    ]


def _shown(drawn: DrawnGraph) -> dict[str, Any]:
    frames, frame = drawn.told["frames"], drawn.told["frame"]
    place = frames.index(frame) if frame in frames else 0
    size = _SIZE.match(drawn.picture)
    return {
        "width": size[1].decode() if size else "",
        "height": size[2].decode() if size else "",
        "drawn": drawn.told,
        "frames": frames,
        "frame": frame,
        "earlier": frames[place - 1] if place > 0 else None,
        "later": frames[place + 1] if place + 1 < len(frames) else None,
        "tables": [_table(figures) for figures in drawn.told["figures"] if figures["rows"]],
    }


def _table(figures: dict[str, Any]) -> dict[str, Any]:
    rows = figures["rows"][:SHOWN_ROWS]
    head = [
        {"name": name, "is_number": _is_number([row[place] for row in rows])}
        for place, name in enumerate(figures["head"])
    ]
    cells = [
        [
            column | {"value": _cell(cell), "plain": isinstance(cell, str)}
            for column, cell in zip(head, row, strict=True)
        ]
        for row in rows
    ]
    return {"title": figures["title"], "head": head, "rows": cells, "hidden": figures["row_count"] - len(rows)}


def _is_number(cells: list[Any]) -> bool:
    there = [cell for cell in cells if cell is not None]
    return bool(there) and not any(isinstance(cell, str) for cell in there)


def _cell(cell: Any) -> Any:
    # Without an exponent such a number would be a long row of noughts.
    return f"{cell:.1e}" if isinstance(cell, float) and 0 < abs(cell) < 1e-6 else cell


@require_safe
@signed_in
async def picture(request: PageRequest, machine_id: UUID, picture: str) -> HttpResponse:
    """The picture of the address: svg, png or pdf; with `download`, as a file."""
    file_format = _FORMATS.get(picture)
    if file_format is None:
        raise NotFound("A graph is drawn as svg, png or pdf.")
    theme: Theme = "dark" if request.GET.get("theme") == "dark" else "light"
    drawn = await sync_to_async(_drawn)(request, machine_id, file_format, theme)
    answer = HttpResponse(drawn.picture, content_type=drawn.media_type)
    answer["Cache-Control"] = "private, no-cache"
    if "download" in request.GET:
        answer["Content-Disposition"] = f'attachment; filename="graph.{picture}"'
    return answer


def _drawn(request: PageRequest, machine_id: UUID, file_format: Format, theme: Theme) -> DrawnGraph:
    machine = queries.machine_for(request.caller, machine_id, Right.SEE)
    spec = specification(request.GET.dict(), machine.column_names)
    return drawn_graph(machine, spec, file_format=file_format, theme=theme)


@require_safe
@signed_in
async def figures(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """The figures of the address as a file."""
    drawn = await sync_to_async(_drawn)(request, machine_id, "svg", "light")
    answer = HttpResponse(as_csv(drawn.told), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="figures.csv"'
    return answer


@require_POST
@signed_in
async def keep(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """Keep the graph of the form's hidden fields under a name."""

    def work() -> Specification:
        machine = queries.machine_for(request.caller, machine_id, Right.APPEND)
        spec = specification(request.POST.dict(), machine.column_names)
        name = request.POST.get("graph_name", "")
        commands.keep_graph(machine_id=machine.pk, made_by=request.caller.user, specification=spec, name=name)
        return spec

    try:
        spec = await sync_to_async(work)()
        messages.success(request, "Kept. It is listed below and drawn anew of the lines as they are then.")
    except NotFound:
        raise
    except Refusal as refusal:
        messages.error(request, refusal.detail)
        return HttpResponseRedirect(reverse("graph", args=[machine_id]))
    return _at(machine_id, spec)


@require_POST
@signed_in
async def forget(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """Forget a kept graph."""

    def work() -> None:
        try:
            graph_id = UUID(request.POST.get("graph", ""))
        except ValueError:
            raise NotFound("There is no such graph, or it is not yours.") from None
        commands.delete_graph(graph_id=queries.graph_for(request.caller, graph_id, Right.APPEND).pk)

    await sync_to_async(work)()
    messages.success(request, "Forgotten.")
    return HttpResponseRedirect(reverse("graph", args=[machine_id]))
