"""Consulting: the person's requests and contracts, the board where she can offer, and a new request."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from billing import commands, queries
from billing.attachments import download_for
from billing.models import ConsultingRequest
from billing.pages.typed import amount_of, key_of
from billing.rules.consulting import LONGEST_DESCRIPTION, Category, category_of
from service_base.errors import BadInput, Refusal
from service_base.pages import PageRequest, show, signed_in
from service_base.pagination import page_of
from service_base.principals.models import KnownTeam
from shared_models.clock import utc_now
from shared_models.ids import new_id

CATEGORIES = [(category.value, category.label) for category in Category]


@signed_in
async def requests(request: PageRequest) -> HttpResponse:
    """The person's requests and contracts, those of her teams, and those she works on; newest first."""

    def read() -> dict[str, Any]:
        found, following = page_of(queries.requests_of(request.caller), cursor=request.GET.get("cursor"), limit=30)
        names = queries.names_of(person for row in found for person in (row.user_id, row.consultant_user_id))
        viewer, now = request.caller.id, utc_now()
        rows = [
            {
                "request": row,
                "late": row.is_late_at(now),
                "mine": row.user_id == viewer,
                "other": names.get(_other(row, viewer) or viewer, ""),
            }
            for row in found
        ]
        return {"rows": rows, "next_cursor": following, "escrow": queries.escrow_of(viewer)}

    return await show(request, "billing/consulting.html", await sync_to_async(read)())


@signed_in
async def board(request: PageRequest) -> HttpResponse:
    """Other people's open requests."""
    wanted = request.GET.get("category", "")
    category = category_of(wanted).value if wanted else ""

    def read() -> dict[str, Any]:
        open_ones = queries.board(request.caller, category=category)
        found, following = page_of(open_ones, cursor=request.GET.get("cursor"), limit=30)
        return {"requests": found, "next_cursor": following, "categories": CATEGORIES, "category": category}

    return await show(request, "billing/board.html", await sync_to_async(read)())


@signed_in
async def new(request: PageRequest) -> HttpResponse:
    """Ask for help; a refusal keeps what was written."""
    refusal = None
    if request.method == "POST":
        try:
            opened = await sync_to_async(_open)(request)
            messages.success(
                request, "Your request is on the board. Add files to it, and choose an offer when one comes."
            )
            return HttpResponseRedirect(reverse("consulting-request", args=[opened.pk]))
        except Refusal as found:
            refusal = found

    def read() -> dict[str, Any]:
        return {
            "refusal": refusal,
            "given": request.POST,
            "categories": CATEGORIES,
            "longest": LONGEST_DESCRIPTION,
            "machines": list(queries.machines_owned(request.caller)[:500]),
            "teams": list(KnownTeam.objects.filter(pk__in=list(request.caller.teams), deleted=False).order_by("name")),
            "chosen_machine": request.POST.get("machine_id") or request.GET.get("machine", ""),
            "key": request.POST.get("key") or new_id(),
        }

    context = await sync_to_async(read)()
    return await show(request, "billing/new_request.html", context, status=refusal.status if refusal else 200)


@signed_in
async def download(request: PageRequest, file_id: UUID) -> HttpResponseBase:
    """A file of a request."""
    return await download_for(request.caller, file_id)


def _other(row: ConsultingRequest, viewer: UUID) -> UUID | None:
    return row.consultant_user_id if row.user_id == viewer else row.user_id


def _open(request: PageRequest) -> ConsultingRequest:
    return commands.open_request(
        user=request.caller.id,
        key=key_of(request),
        category=request.POST.get("category", ""),
        description=request.POST.get("description", ""),
        machine_id=id_in(request, "machine_id"),
        team_id=id_in(request, "team_id"),
        teams=request.caller.teams,
        budget_estimation=amount_of(request, "budget_estimation"),
    )


def id_in(request: PageRequest, field: str) -> UUID | None:
    """The id in a form's field; None when it is empty. Raises BadInput."""
    text = request.POST.get(field, "").strip()
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadInput("Choose one of the list.", field=field) from None
