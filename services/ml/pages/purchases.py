"""Buying lines, copies and news on the market, and what was bought."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from ml import commands, queries
from ml.commands.terms import FLAGS, PRICES
from ml.models import Purchase
from ml.rules.access import Right
from ml.rules.purchases import PurchaseKind
from ml.store import place
from service_base.downloads import CSV, file_download
from service_base.errors import BadInput, NotFound, Refusal
from service_base.formats import Formats
from service_base.pages import PageRequest, show, signed_in
from service_base.pagination import page_of
from shared_models.ids import derived_id


@require_POST
@signed_in
async def terms(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """What the machine's owner sells beside answers."""
    found = await sync_to_async(queries.machine_for)(request.caller, machine_id, Right.CHANGE)
    given: dict[str, Any] = {name: name in request.POST for name in FLAGS}
    formats = Formats.of(request.caller.user)
    given |= {name: formats.typed(request.POST.get(name, "")) or "0" for name in PRICES}
    try:
        machine = await sync_to_async(commands.set_terms)(machine_id=found.pk, terms=given)
        said = "Its lines or copies are" if machine.sells_lines_or_copies else "Neither its lines nor copies are"
        messages.success(request, f"{said} on the market.")
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    return HttpResponseRedirect(reverse("machine", args=[machine_id]))


@require_POST
@signed_in
async def buy(request: PageRequest, machine_id: UUID) -> HttpResponse:
    """Ask for a purchase at the price that was shown; the same form sent twice is one purchase."""
    try:
        asked = await sync_to_async(_buy)(request, machine_id)
    except NotFound:
        raise
    except Refusal as refusal:
        messages.error(request, refusal.detail)
        return HttpResponseRedirect(_back_to(request, machine_id))
    return HttpResponseRedirect(reverse("purchase", args=[asked.pk]))


def _buy(request: PageRequest, machine_id: UUID) -> Purchase:
    form = request.POST
    machine = queries.machine_for(request.caller, machine_id, Right.LIST)
    kind = form.get("kind", "")
    if kind not in list(PurchaseKind):
        raise BadInput("Say what you want to buy: lines, a copy, or news for a copy.", field="kind")
    return commands.request_purchase(
        machine_id=machine.pk,
        buyer=request.caller.user,
        kind=kind,
        price_usd=form.get("price_usd", ""),
        copy_id=_copy_in(form.get("copy_id", "")),
        purchase_id=derived_id("ml.purchase.form", request.caller.id, form["key"]) if form.get("key") else None,
    )


def _copy_in(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput("That is no machine of yours.", field="copy_id") from None


def _back_to(request: PageRequest, machine_id: UUID) -> str:
    copy = _copy_in(request.POST.get("copy_id", ""))
    return reverse("machine", args=[copy]) if copy else reverse("listing", args=[machine_id])


@require_safe
@signed_in
async def purchases(request: PageRequest) -> HttpResponse:
    """What the person bought, newest first."""
    return await show(request, "ml/purchases.html", await sync_to_async(_purchases)(request))


def _purchases(request: PageRequest) -> dict[str, Any]:
    mine = queries.purchases_of(request.caller)
    found, following = page_of(mine, cursor=request.GET.get("cursor"), limit=30)
    return {"rows": found, "next_cursor": following}


@require_safe
@signed_in
async def purchase(request: PageRequest, purchase_id: UUID) -> HttpResponse:
    """A purchase: how far it is, what it costs, and what came of it."""
    return await show(request, "ml/purchase.html", await sync_to_async(_purchase)(request, purchase_id))


@require_safe
@signed_in
async def live(request: PageRequest, purchase_id: UUID) -> HttpResponse:
    """The part of the page that changes."""
    context = await sync_to_async(_purchase)(request, purchase_id)
    return await show(request, "ml/parts/purchase_live.html", context | {"is_fragment": True})


def _purchase(request: PageRequest, purchase_id: UUID) -> dict[str, Any]:
    found = queries.purchase_for(request.caller, purchase_id)
    copy = found.copy if found.copy and found.copy.deleted_at is None else None
    return {"purchase": found, "copy": copy, "is_listed": found.machine.is_on_the_market}


@require_POST
@signed_in
async def cancel(request: PageRequest, purchase_id: UUID) -> HttpResponse:
    """End the purchase; nothing is charged."""
    found = await sync_to_async(queries.purchase_for)(request.caller, purchase_id)
    try:
        await sync_to_async(commands.cancel_purchase)(purchase_id=found.pk)
        messages.success(request, "Cancelled. Nothing is delivered and nothing is charged.")
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    return HttpResponseRedirect(reverse("purchase", args=[purchase_id]))


@require_safe
@signed_in
async def lines(request: PageRequest, purchase_id: UUID) -> Any:
    """The bought lines as a file."""
    found = await sync_to_async(queries.bought_lines)(request.caller, purchase_id)
    return file_download(place(found.result_path), name=f"bought-{found.pk}.csv", media_type=CSV)
