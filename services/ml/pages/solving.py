"""Solving a row by a form made of the machine's columns, and a file as work."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from ml import commands, queries
from ml.learning.columns.values import label_of
from ml.models import Machine, TableReading, Work
from ml.rules.access import Channel, Right
from ml.rules.prices import in_usd, solving_price
from ml.store import discard
from ml.uploads import TakesLong, Upload, impatient, receive_upload
from service_base.errors import Refusal
from service_base.pages import PageRequest, show, signed_in
from shared_models.ids import derived_id, new_id

SHOWN_PROBABILITIES = 10
MOST_CHOICES = 30


@signed_in
async def solve(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """The form, and the answer above it."""
    machine = await sync_to_async(queries.machine_for)(request.caller, machine_id, Right.SOLVE)
    context = await sync_to_async(_form)(request, machine)
    if request.method != "POST":
        return await show(request, "ml/solve.html", context)
    try:
        context["answer"] = await sync_to_async(_answer)(request, machine)
    except Refusal as refusal:
        return await show(request, "ml/solve.html", context | {"refusal": refusal}, status=refusal.status)
    return await show(request, "ml/solve.html", context)


def _form(request: PageRequest, machine: Machine) -> dict[str, Any]:
    filled = _real_row(request, machine) if request.method != "POST" else {}
    channel = queries.channel_of(request.caller, machine)
    has_rows = Right.SEE in queries.rights_of(request.caller, machine)
    # Buyers are shown the usual labels alone.
    choices = _choices(machine) if has_rows else {}
    fields = [
        {
            "name": name,
            "id": f"f{place}",
            "kind": machine.mdc_columns_data_type[name],
            "value": request.POST.get(f"f{place}", filled.get(name, "")),
            "options": _usual_values(machine, name),
            "choices": _with_given(choices.get(name, []), request.POST.get(f"f{place}", filled.get(name, ""))),
            "low": machine.mdc_columns_min.get(name),
            "high": machine.mdc_columns_max.get(name),
        }
        for place, name in enumerate(machine.mdc_columns_name_input)
    ]
    known = queries.prices()
    eaml = solving_price(known, lines=1)
    return {
        "machine": machine,
        "fields": fields,
        # One key a form: sent twice, it is one charge.
        "key": str(new_id()),
        "price_eaml": eaml,
        "price_eaml_usd": in_usd(known, eaml),
        "price_usd": machine.machine_api_solving_price_usd if channel is Channel.MARKET else None,
        "is_market": channel is Channel.MARKET,
        "next_fill": int(request.GET.get("fill", "0") or 0) + 1 if request.GET.get("fill", "0").isdigit() else 1,
        "has_rows": has_rows,
    }


def _usual_values(machine: Machine, name: str) -> list[str]:
    counts = machine.mdc_columns_most_frequent_values_count.get(name, {})
    return sorted(counts, key=lambda value: -counts[value])[:20]


def _choices(machine: Machine) -> dict[str, list[str]]:
    """All labels that were learnt of each column that has few."""
    inputs = machine.enc_dec_configuration.enc_dec_config_json["inputs"] if machine.enc_dec_configuration else []
    labels = {own["column"]: own["labels"] for own in inputs if own["kind"] == "label" and not own.get("is_number")}
    return {name: sorted(known) for name, known in labels.items() if len(known) <= MOST_CHOICES}


def _with_given(choices: list[str], value: Any) -> list[str]:
    return choices if not choices or value in ("", *choices) else [*choices, str(value)]


def _real_row(request: PageRequest, machine: Machine) -> dict[str, Any]:
    """A row of the table, for those who may see it."""
    wanted = request.GET.get("fill", "")
    if not wanted.isdigit() or Right.SEE not in queries.rights_of(request.caller, machine):
        return {}
    first = machine.data_lines.order_by("sequence").first()
    if first is None or not first.first_rows:
        return {}
    row = first.first_rows[int(wanted) % len(first.first_rows)]
    filled = dict(zip(first.column_names, row, strict=True))
    labels = {name for name in filled if machine.mdc_columns_data_type.get(name) == "LABEL"}
    return {name: label_of(cell) or "" if name in labels else _or_empty(cell) for name, cell in filled.items()}


def _or_empty(cell: Any) -> Any:
    return "" if cell is None else cell


def _answer(request: PageRequest, machine: Machine) -> dict[str, Any]:
    row = {
        name: _value(request.POST.get(f"f{place}", ""), machine.mdc_columns_data_type[name])
        for place, name in enumerate(machine.mdc_columns_name_input)
    }
    channel = queries.channel_of(request.caller, machine)
    payer = request.caller.id if channel is Channel.MARKET else machine.owner_id
    order = commands.Order(request.caller.id, payer, channel, queries.prices(), queries.available(payer))
    usage_id = derived_id("ml.page", request.caller.id, machine.pk, request.POST.get("key", "")[:100])
    done = commands.solve_rows(machine=machine, order=order, rows=[row], usage_id=usage_id)
    return {
        "outputs": [_shown(name, done.results[0]) for name in done.results[0]["values"]],
        **_cost(done, done.results[0]),
    }


def _cost(done: Any, result: dict[str, Any]) -> dict[str, Any]:
    return {"price_eaml": done.price_eaml, "price_usd": done.price_usd, "warnings": result["warnings"]}


def _shown(name: str, result: dict[str, Any]) -> dict[str, Any]:
    probabilities = sorted(result["probabilities"].get(name, {}).items(), key=lambda item: -item[1])
    return {
        "name": name,
        "value": result["values"][name],
        "is_number": isinstance(result["values"][name], float),
        "probabilities": probabilities[:SHOWN_PROBABILITIES],
        "low": result["low"].get(name),
        "high": result["high"].get(name),
    }


def _value(text: str, kind: str) -> Any:
    text = text.strip()
    if not text:
        return None
    if kind != "FLOAT":
        return text
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        return text


@require_POST
@signed_in
async def solve_file(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """Solve a file as work."""
    machine = await sync_to_async(queries.machine_for)(request.caller, machine_id, Right.APPEND)
    try:
        asked = await sync_to_async(_solve_file)(request, machine)
    except Refusal as refusal:
        messages.error(request, refusal.detail)
        return HttpResponseRedirect(reverse("machine", args=[machine_id]))
    return HttpResponseRedirect(reverse("work" if isinstance(asked, Work) else "reading", args=[asked.pk]))


def _solve_file(request: PageRequest, machine: Machine) -> Work | TableReading:
    upload = receive_upload(request)
    try:
        answers = upload.text("answers", "csv")
        commands.check_answers(answers)
        if not upload.is_large:
            with suppress(TakesLong):
                return _solve_at_once(request, machine, upload, answers)
        return commands.append_by_work(machine, upload.received, "answers", by=request.caller.user, answers=answers)
    finally:
        discard(upload.received)


def _solve_at_once(request: PageRequest, machine: Machine, upload: Upload, answers: str) -> Work:
    line = commands.append_lines(machine_id=machine.pk, received=upload.received, purpose="solving", hear=impatient())
    by = request.caller.user
    return commands.request_solving(machine_id=machine.pk, by=by, data_line_ids=[line.pk], answers=answers)
