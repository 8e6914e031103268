"""From a file to a machine that is ready to be trained: guesses shown, each of them correctable."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from ml import commands, queries
from ml.commands.correction import corrected_dialect
from ml.models import DataLine, Machine, TableReading
from ml.pages.machines import SHOWN_COLUMNS
from ml.previews import start_as_read
from ml.rules.access import Right
from ml.rules.columns import ROLES, TYPES, output_reason
from ml.rules.dialects import PARTS
from ml.rules.readings import READ_AT_ONCE
from ml.store import discard
from ml.uploads import TakesLong, impatient, receive_upload
from service_base.errors import BadInput, Refusal
from service_base.pages import PageRequest, show, signed_in

SEPARATORS = {",": "comma ,", ";": "semicolon ;", "\t": "tab", "|": "bar |"}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1", "cp1251", "gb18030", "shift_jis")
DATE_ORDERS = {"DMY": "day first", "MDY": "month first", "YMD": "year first"}


@signed_in
async def new(request: PageRequest) -> HttpResponse:
    """The upload form, and what becomes of the file."""
    context = {"teams": await sync_to_async(_teams)(request)}
    if request.method != "POST":
        return await show(request, "ml/new.html", context)
    try:
        made = await sync_to_async(_create)(request)
    except Refusal as refusal:
        name = request.POST.get("machine_name", "")
        return await show(request, "ml/new.html", context | {"refusal": refusal, "name": name}, status=refusal.status)
    return HttpResponseRedirect(reverse("setup" if isinstance(made, Machine) else "reading", args=[made.pk]))


def _create(request: PageRequest) -> Machine | TableReading:
    """The machine, or of a large file the reading that makes it."""
    upload = receive_upload(request)
    owner, received = request.caller.user, upload.received
    try:
        team = upload.id("machine_owner_team")
        if team is not None and request.caller.teams.get(team) not in ("owner", "admin", "member"):
            raise BadInput("You cannot give machines to that team.", field="machine_owner_team")
        asked = commands.MachineAsked(name=upload.text("machine_name"), team=str(team or ""))
        if not upload.is_large:
            with suppress(TakesLong):
                reading = commands.read_upload(received, hear=impatient())
                return commands.create_machine(owner=owner, received=received, reading=reading, **asked.to_create)
        asked.check(received)
        return commands.request_reading(by=owner, purpose="machine", received=received, asked=asked.to_json())
    finally:
        discard(upload.received)


def _teams(request: PageRequest) -> list[Any]:
    return queries.teams_named(team for team, role in request.caller.teams.items() if role != "viewer")


@require_safe
@signed_in
async def setup(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """How the file was cut, what its columns are, and what training costs at each level."""
    return await show(request, "ml/setup.html", await sync_to_async(_setup)(request, machine_id))


def _setup(request: HttpRequest, machine_id: UUID, refusal: Refusal | None = None) -> dict[str, Any]:
    machine = _machine(request, machine_id, Right.SEE)
    first = machine.data_lines.order_by("sequence").first()
    return {
        "machine": machine,
        "rights": queries.rights_of(request.caller, machine),  # type: ignore[attr-defined]
        "first": first,
        "dialect": _dialect(first),
        "start": start_as_read(first, first.dialect) if first else None,
        "columns": _columns(machine, first),
        "hidden_columns": max(0, machine.mdc_columns_total_count - SHOWN_COLUMNS),
        "types": TYPES,
        "roles": ROLES,
        "output_reason": output_reason(machine.mdc_columns_name_output[0]) if machine.mdc_columns_name_output else "",
        "offers": _offers(machine),
        "available": queries.available(machine.owner_id),
        "open_work": machine.works.filter(kind="training", finished_at=None).first(),
        "refusal": refusal,
    }


def _offers(machine: Machine) -> list[queries.Offer]:
    try:
        return queries.offers(machine)
    except Refusal:
        return []  # no price list yet: the page says so where the prices would be


def _dialect(first: DataLine | None) -> dict[str, Any] | None:
    """What of the first stretch's dialect can be corrected, with what there is to choose from."""
    if first is None:
        return None
    found: dict[str, Any] = {**first.dialect, "sure": first.dialect.get("confidence", {}), "parts": {}}
    found["parts"] = dict.fromkeys(PARTS[first.file_format], True)
    if first.file_format == "csv":
        separator = found["separator"]
        found["encodings"] = sorted({found["encoding"], *ENCODINGS})
        found["separators"] = SEPARATORS | {separator: SEPARATORS.get(separator, "other")}
    orders = found.get("date_orders", {})
    if not orders and not found.get("date_order"):
        found["parts"].pop("date_order")
    found["orders"] = DATE_ORDERS
    found["found_orders"] = ", ".join(f"{name} {DATE_ORDERS[order]}" for name, order in list(orders.items())[:4])
    return found if found["parts"] else None


def _columns(machine: Machine, first: DataLine | None) -> list[dict[str, Any]]:
    outputs, inputs = set(machine.mdc_columns_name_output), set(machine.mdc_columns_name_input)
    asked = {*machine.mdc_columns_name_input_user_df, *outputs}
    samples: dict[str, list[Any]] = {}
    if first is not None:
        for place, name in enumerate(first.column_names):
            samples[name] = [row[place] for row in first.first_rows[:3]]
    return [
        {
            "place": place,
            "name": name,
            "type": machine.mdc_columns_data_type[name],
            "role": "output" if name in outputs else "input" if name in asked else "ignore",
            "is_left_out": name in asked and name not in outputs and name not in inputs,
            "reason": machine.dfr_columns_description_user_df.get(name, ""),
            "samples": samples.get(name, []),
            "missing": machine.mdc_columns_missing_percentage.get(name),
            "unique": machine.mdc_columns_unique_values_count.get(name),
            "warning": machine.machine_columns_warnings.get(name),
            "error": machine.machine_columns_errors.get(name),
        }
        for place, name in enumerate(machine.column_names[:SHOWN_COLUMNS])
    ]


@require_POST
@signed_in
async def dialect(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """Read the file anew, cut another way."""
    machine = await sync_to_async(_machine)(request, machine_id, Right.CHANGE)
    first = await machine.data_lines.order_by("sequence").afirst()
    return await _correct(request, machine_id, dialect=_changes(request, first) if first else {})


def _changes(request: HttpRequest, first: DataLine) -> dict[str, Any]:
    """What the form says otherwise than it was."""
    parts = PARTS[first.file_format]
    said: dict[str, Any] = {part: request.POST[part] for part in parts if part in request.POST and part != "has_header"}
    if "has_header" in parts:
        said["has_header"] = "has_header" in request.POST
    return {part: value for part, value in said.items() if value != first.dialect.get(part, "")}


@require_POST
@signed_in
async def preview(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """The first rows as they would be cut with what the form says; nothing is kept."""
    return await show(request, "ml/parts/start.html", await sync_to_async(_preview)(request, machine_id))


def _preview(request: HttpRequest, machine_id: UUID) -> dict[str, Any]:
    machine = _machine(request, machine_id, Right.CHANGE)
    first = machine.data_lines.order_by("sequence").first()
    if first is None:
        return {"start": None}
    try:
        changes = _changes(request, first)
        return {"start": start_as_read(first, corrected_dialect(first, changes), is_new=True)}
    except Refusal as refusal:
        return {"refusal": refusal}


@require_POST
@signed_in
async def columns(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """Read the file anew with other types and roles, or with another column to predict and all else as it was."""
    if predicted := request.POST.get("predict"):
        return await _correct(request, machine_id, outputs=[predicted])
    machine = await sync_to_async(_machine)(request, machine_id, Right.CHANGE)
    names = machine.column_names[:SHOWN_COLUMNS]
    roles = {name: request.POST.get(f"role-{place}", "") for place, name in enumerate(names)}
    chosen = {name: request.POST.get(f"type-{place}", "") for place, name in enumerate(names)}
    types = {name: kind for name, kind in chosen.items() if kind and kind != machine.mdc_columns_data_type[name]}
    beyond = [name for name in machine.column_names if name not in roles]
    outputs = [name for name, role in roles.items() if role == "output"]
    used = {*machine.mdc_columns_name_input_user_df, *machine.mdc_columns_name_output}
    ignore = [name for name, role in roles.items() if role == "ignore"] + [n for n in beyond if n not in used]
    outputs += [name for name in beyond if name in machine.mdc_columns_name_output]
    return await _correct(request, machine_id, outputs=outputs, ignore=ignore, types=types)


async def _correct(request: PageRequest, machine_id: UUID, **changes: Any) -> HttpResponse:
    machine = await sync_to_async(_machine)(request, machine_id, Right.CHANGE)
    try:
        reading = await sync_to_async(_read_anew)(request, machine, changes)
    except Refusal as refusal:
        context = await sync_to_async(_setup)(request, machine_id, refusal)
        return await show(request, "ml/setup.html", context, status=refusal.status)
    if reading is not None:
        return HttpResponseRedirect(reverse("reading", args=[reading.pk]))
    messages.success(request, "The table was read anew with your corrections.")
    return HttpResponseRedirect(reverse("setup", args=[machine_id]))


def _read_anew(request: PageRequest, machine: Machine, changes: dict[str, Any]) -> TableReading | None:
    """Correct the machine; of a large table the reading that does it."""
    if commands.size_of_lines(machine) < READ_AT_ONCE:
        with suppress(TakesLong):
            commands.correct_machine(machine_id=machine.pk, hear=impatient(), **changes)
            return None
    return commands.correct_by_work(machine, by=request.caller.user, changes=changes)


def _machine(request: HttpRequest, machine_id: UUID, right: Right) -> Machine:
    return queries.machine_for(request.caller, machine_id, right)  # type: ignore[attr-defined]
