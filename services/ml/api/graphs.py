"""Graphs of a machine's table: what fits, drawing, and keeping."""

from __future__ import annotations

from typing import Any, Literal, cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Query, Router, Status

from ml import commands, queries
from ml.api.graph_shapes import (
    ALL_TYPES,
    GraphIn,
    GraphQuestion,
    PictureQuestion,
    show_fits,
    show_graph,
    show_specification,
)
from ml.drawings import DrawnGraph, Theme, drawn_graph
from ml.figures import as_csv
from ml.models import Graph, Machine
from ml.rules.access import Right
from ml.rules.graph_types import GRAPH_TYPES, STATISTICS
from ml.rules.graphs import Specification, specification
from ml.rules.palettes import PALETTES
from service_base.api import Request
from service_base.auth import Bearer
from service_base.idempotency.answers import answer_once
from service_base.pagination import as_page

router = Router(tags=["graphs"])
READ, TRAIN = Bearer("ml:read"), Bearer("ml:train")
Picture = Literal["svg", "png", "pdf"]


@router.get("/graph-types", auth=READ)
async def graph_types(request: Request) -> dict[str, Any]:
    """The 13 types with their dimensions, the palettes and the statistics."""
    palettes = {name: list(colours) for name, colours in PALETTES.items()}
    return {"items": ALL_TYPES, "palettes": palettes, "statistics": list(STATISTICS), "next_cursor": None}


@router.get("/machines/{machine_id}/graph-types", auth=READ)
async def fitting_types(request: Request, machine_id: UUID) -> dict[str, Any]:
    """Which types fit the machine's table, with columns for each dimension; and why the others do not."""

    def read() -> dict[str, Any]:
        machine = _machine(request, machine_id)
        facts, favourites = queries.facts_of(machine), queries.favourites_of(machine)
        items = [show_fits(kind, facts, favourites) for kind in GRAPH_TYPES.values()]
        return {"items": items, "next_cursor": None}

    return await sync_to_async(read)()


@router.get("/machines/{machine_id}/graph", auth=READ)
async def figures(request: Request, machine_id: UUID, asked: Query[PictureQuestion]) -> dict[str, Any]:
    """Draw a graph and say what it shows: title, summary, notes, and every figure over all lines."""

    def read() -> dict[str, Any]:
        spec, drawn = _drawn(request, machine_id, asked, "svg")
        return {"machine_id": str(machine_id), **show_specification(spec), **drawn.told}

    return await sync_to_async(read)()


@router.get("/machines/{machine_id}/graph.csv", auth=READ)
async def figures_csv(request: Request, machine_id: UUID, asked: Query[PictureQuestion]) -> HttpResponse:
    """The same figures for a spreadsheet."""
    _, drawn = await sync_to_async(_drawn)(request, machine_id, asked, "svg")
    return HttpResponse(as_csv(drawn.told), content_type="text/csv; charset=utf-8")


@router.get("/machines/{machine_id}/graph.vl.json", auth=READ)
async def source(request: Request, machine_id: UUID, asked: Query[PictureQuestion]) -> dict[str, Any]:
    """The same graph as a Vega-Lite specification, with what it draws inside; never the whole table."""
    _, drawn = await sync_to_async(_drawn)(request, machine_id, asked, "svg")
    return drawn.source


@router.get("/machines/{machine_id}/graph.{picture}", auth=READ)
async def picture(request: Request, machine_id: UUID, picture: Picture, asked: Query[PictureQuestion]) -> HttpResponse:
    """The same graph as a picture: svg, png or pdf."""
    _, drawn = await sync_to_async(_drawn)(request, machine_id, asked, picture)
    return HttpResponse(drawn.picture, content_type=drawn.media_type)


@router.get("/machines/{machine_id}/graphs", auth=READ)
async def kept(request: Request, machine_id: UUID, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The graphs kept of the machine, newest first."""

    def read() -> dict[str, Any]:
        rows = Graph.objects.filter(machine=_machine(request, machine_id))
        return as_page(rows, show_graph, cursor=cursor, limit=limit)

    return await sync_to_async(read)()


@router.post("/machines/{machine_id}/graphs", auth=TRAIN, response={201: dict[str, Any]})
async def keep(request: Request, machine_id: UUID, body: GraphIn) -> HttpResponse:
    """Keep a graph; its columns must fit."""

    def work() -> dict[str, Any]:
        machine = queries.machine_for(request.auth, machine_id, Right.APPEND)
        spec = specification(body.dict(), machine.column_names)
        graph = commands.keep_graph(
            machine_id=machine.pk, made_by=request.auth.user, specification=spec, name=body.graph_name
        )
        return show_graph(graph)

    return await answer_once(request, body, work, status=201)


@router.get("/graphs/{graph_id}", auth=READ)
async def graph(request: Request, graph_id: UUID) -> dict[str, Any]:
    """A kept graph's specification."""
    return await sync_to_async(lambda: show_graph(queries.graph_for(request.auth, graph_id)))()


@router.patch("/graphs/{graph_id}", auth=TRAIN)
async def change(request: Request, graph_id: UUID, body: GraphIn) -> dict[str, Any]:
    """Change what is given; the rest stays."""

    def work() -> dict[str, Any]:
        found = queries.graph_for(request.auth, graph_id, Right.APPEND)
        before = show_specification(found.specification) | {"graph_name": found.graph_name}
        wanted = before | body.dict(exclude_unset=True)
        spec = specification(wanted, found.machine.column_names)
        return show_graph(commands.change_graph(graph_id=found.pk, specification=spec, name=wanted["graph_name"]))

    return await sync_to_async(work)()


@router.delete("/graphs/{graph_id}", auth=TRAIN, response={204: None})
async def delete(request: Request, graph_id: UUID) -> Status[None]:
    """Forget a kept graph."""

    def work() -> None:
        commands.delete_graph(graph_id=queries.graph_for(request.auth, graph_id, Right.APPEND).pk)

    await sync_to_async(work)()
    return Status(204, None)


@router.get("/graphs/{graph_id}/figures", auth=READ)
async def kept_figures(request: Request, graph_id: UUID) -> dict[str, Any]:
    """A kept graph drawn of the lines as they are now: what it shows."""

    def read() -> dict[str, Any]:
        found = queries.graph_for(request.auth, graph_id)
        return show_graph(found) | drawn_graph(found.machine, found.specification).told

    return await sync_to_async(read)()


@router.get("/graphs/{graph_id}/picture.{picture}", auth=READ)
async def kept_picture(request: Request, graph_id: UUID, picture: Picture, theme: str = "light") -> HttpResponse:
    """A kept graph drawn of the lines as they are now: svg, png or pdf."""

    def read() -> DrawnGraph:
        found = queries.graph_for(request.auth, graph_id)
        return drawn_graph(found.machine, found.specification, file_format=picture, theme=_theme(theme))

    drawn = await sync_to_async(read)()
    return HttpResponse(drawn.picture, content_type=drawn.media_type)


def _machine(request: Request, machine_id: UUID) -> Machine:
    return queries.machine_for(request.auth, machine_id, Right.SEE)


def _drawn(
    request: Request, machine_id: UUID, asked: GraphQuestion, picture: Picture
) -> tuple[Specification, DrawnGraph]:
    machine = _machine(request, machine_id)
    given = asked.dict()
    spec = specification(given, machine.column_names)
    return spec, drawn_graph(machine, spec, file_format=picture, theme=_theme(given.get("theme", "light")))


def _theme(given: str) -> Theme:
    return cast(Theme, given if given == "dark" else "light")
