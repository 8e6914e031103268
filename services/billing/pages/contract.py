"""One consulting request: where it stands, who acts next, timeline, offers, files; and disputes for operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing import commands, queries, store
from billing.attachments import receive_upload
from billing.models import ConsultingRequest
from billing.pages.consulting import id_in
from billing.pages.typed import amount_of, whole_of
from billing.rules.consulting import ending
from billing.rules.files import TAKEN
from service_base.errors import BadInput, NotFound, Refusal
from service_base.formats import Formats
from service_base.pages import PageRequest, show, signed_in
from shared_models.clock import utc_now
from shared_models.money import plain

_STEPS = {
    "opened": "asked for help",
    "offered": "made an offer",
    "chosen": "chose an offer",
    "reopened": "opened the request again",
    "signed": "signed; the amount went into escrow",
    "delivered": "delivered",
    "disputed": "disputes the contract",
    "settled": "settled the dispute",
    "finished": "accepted the work and paid it",
    "failed": "took the money back, the deadline having passed",
    "cancelled": "called it off",
    "file": "added a file",
}


@signed_in
async def one(request: PageRequest, request_id: UUID) -> HttpResponse:
    """The request as the person may see it."""
    return await _one(request, request_id)


@require_POST
@signed_in
async def act(request: PageRequest, request_id: UUID, name: str) -> HttpResponse:
    """Do one of the acts that the page offers."""
    doing = _ACTS.get(name)
    if doing is None:
        raise NotFound("There is no such act.")

    def work() -> str:
        return doing(request, request_id)

    return await _do(request, request_id, work)


@require_POST
@signed_in
async def add_file(request: PageRequest, request_id: UUID) -> HttpResponse:
    """Add a file."""

    def work() -> str:
        received, name = receive_upload(request)
        try:
            kept = commands.add_file(request_id=request_id, actor=request.caller.id, received=received, name=name)
        finally:
            store.discard(received)
        return f"{kept.file_name} is kept ({kept.kind}, {kept.size_class})."

    return await _do(request, request_id, work)


@signed_in
async def disputes(request: PageRequest) -> HttpResponse:
    """The contracts that wait for an operator."""
    request.caller.must_be_operator()
    return await _disputes(request)


@require_POST
@signed_in
async def settle(request: PageRequest, request_id: UUID) -> HttpResponse:
    """Share a disputed escrow out."""
    request.caller.must_be_operator()

    def work() -> str:
        ended = commands.settle_dispute(
            request_id=request_id,
            operator=request.caller.id,
            consultant_basis_points=_basis_points(request),
            reason=request.POST.get("reason", ""),
        )
        parts = [_usd(part) for part in (ended.paid_usd, ended.fee_usd, ended.returned_usd)]
        return f"Settled: {parts[0]} USD to the consultant, {parts[1]} USD fee, {parts[2]} USD back to the client."

    try:
        messages.success(request, await sync_to_async(work)())
    except Refusal as refusal:
        return await _disputes(request, refusal)
    return HttpResponseRedirect(reverse("disputes"))


def _make_offer(request: PageRequest, request_id: UUID) -> str:
    offer = commands.make_offer(
        request_id=request_id,
        consultant=request.caller.id,
        amount_usd=amount_of(request),
        delay_days=whole_of(request, "delay_days"),
        message=request.POST.get("message", ""),
    )
    return f"Your offer stands: {plain(offer.amount_usd)} USD, {offer.delay_days} days. It is binding once you sign."


def _withdraw_offer(request: PageRequest, request_id: UUID) -> str:
    commands.withdraw_offer(request_id=request_id, consultant=request.caller.id)
    return "Your offer is withdrawn."


def _choose(request: PageRequest, request_id: UUID) -> str:
    offer_id = id_in(request, "offer_id")
    if offer_id is None:
        raise BadInput("Choose an offer.", field="offer_id")
    commands.choose_offer(request_id=request_id, offer_id=offer_id, user=request.caller.id)
    return "Chosen. When the consultant signs, the amount goes from your wallet into escrow."


def _reopen(request: PageRequest, request_id: UUID) -> str:
    commands.reopen_request(request_id=request_id, actor=request.caller.id, note=request.POST.get("note", ""))
    return "The request is open for offers again."


def _cancel(request: PageRequest, request_id: UUID) -> str:
    ended = commands.cancel_request(request_id=request_id, actor=request.caller.id)
    return (
        f"Called off; {plain(ended.returned_usd)} USD returned." if ended.returned_usd else "The request is called off."
    )


def _sign(request: PageRequest, request_id: UUID) -> str:
    found = commands.sign_contract(request_id=request_id, consultant=request.caller.id)
    return f"Signed. {_usd(found.amount_usd)} USD are in escrow for you until the work is accepted."


def _deliver(request: PageRequest, request_id: UUID) -> str:
    commands.deliver_work(request_id=request_id, consultant=request.caller.id, note=request.POST.get("note", ""))
    return "Delivered. The client accepts it or disputes it."


def _finish(request: PageRequest, request_id: UUID) -> str:
    ended = commands.finish_contract(request_id=request_id, user=request.caller.id)
    return f"Finished: the consultant has earned {_usd(ended.paid_usd)} USD."


def _fail(request: PageRequest, request_id: UUID) -> str:
    ended = commands.fail_contract(request_id=request_id, user=request.caller.id)
    return f"{_usd(ended.returned_usd)} USD are in your wallet again."


def _dispute(request: PageRequest, request_id: UUID) -> str:
    commands.dispute_contract(request_id=request_id, actor=request.caller.id, reason=request.POST.get("reason", ""))
    return "Disputed: the escrow is held until an operator settles."


_ACTS: Mapping[str, Callable[[PageRequest, UUID], str]] = {
    "offer": _make_offer,
    "withdraw-offer": _withdraw_offer,
    "choose": _choose,
    "reopen": _reopen,
    "cancel": _cancel,
    "sign": _sign,
    "deliver": _deliver,
    "finish": _finish,
    "fail": _fail,
    "dispute": _dispute,
}


def _usd(amount: Decimal | None) -> str:
    return plain(amount or Decimal(0))


async def _do(request: PageRequest, request_id: UUID, work: Callable[[], str]) -> HttpResponse:
    try:
        messages.success(request, await sync_to_async(work)())
    except Refusal as refusal:
        return await _one(request, request_id, refusal)
    return HttpResponseRedirect(reverse("consulting-request", args=[request_id]))


async def _one(request: PageRequest, request_id: UUID, refusal: Refusal | None = None) -> HttpResponse:
    def read() -> dict[str, Any]:
        found = queries.request_seen_by(request.caller, request_id)
        if found is None:
            raise NotFound("There is no such consulting request, or you have no part in it.")
        return _facts(request, found) | {"refusal": refusal, "given": request.POST}

    context = await sync_to_async(read)()
    return await show(request, "billing/contract.html", context, status=refusal.status if refusal else 200)


def _facts(request: PageRequest, found: ConsultingRequest) -> dict[str, Any]:
    caller, insider = request.caller, queries.is_insider(request.caller, found)
    offers = list(queries.offers_seen_by(caller, found))
    steps = list(queries.steps_seen_by(caller, found))
    people = [found.user_id, found.consultant_user_id, *(step.by for step in steps)]
    names = queries.names_of([*people, *(offer.consultant_user_id for offer in offers)])
    fee = queries.current_prices().marketplace_fee_basis_points
    return {
        "request_": found,
        "insider": insider,
        "is_client": caller.id == found.user_id,
        "is_consultant": caller.id == found.consultant_user_id,
        "late": found.is_late_at(utc_now()),
        "client_name": names.get(found.user_id, "the client"),
        "consultant_name": names.get(found.consultant_user_id, "the consultant") if found.consultant_user_id else "",
        "offers": [{"offer": offer, "name": names.get(offer.consultant_user_id, "a consultant")} for offer in offers],
        "mine": next((offer for offer in offers if offer.consultant_user_id == caller.id), None),
        "steps": [
            {"step": step, "who": _who(step.by, found, caller.id, names), "did": _STEPS[step.what]} for step in steps
        ],
        "files": list(found.files.order_by("id")) if insider else [],
        "taken": TAKEN,
        "fee_percent": Formats.of(caller.user).number(
            (found.fee_basis_points if found.fee_basis_points is not None else fee) / 100
        ),
    }


def _who(person: UUID, found: ConsultingRequest, viewer: UUID, names: Mapping[UUID, str]) -> str:
    if person == viewer:
        return "You"
    if person in (found.user_id, found.consultant_user_id):
        return names.get(person, "The client" if person == found.user_id else "The consultant")
    return "An operator" if person == found.settled_by else names.get(person, "A consultant")


async def _disputes(request: PageRequest, refusal: Refusal | None = None) -> HttpResponse:
    def read() -> dict[str, Any]:
        found = list(queries.disputed().order_by("disputed_at")[:100])
        names = queries.names_of(person for row in found for person in (row.user_id, row.consultant_user_id))
        rows = [
            {
                "request": row,
                "client": names.get(row.user_id, str(row.user_id)),
                "consultant": names.get(row.consultant_user_id or row.user_id, str(row.consultant_user_id)),
                "reason": row.steps.filter(what="disputed").order_by("id").values_list("note", flat=True).last(),
                "half": ending(
                    row.amount_usd, consultant_basis_points=5000, fee_basis_points=row.fee_basis_points or 0
                ),
            }
            for row in found
        ]
        return {"rows": rows, "refusal": refusal, "given": request.POST}

    context = await sync_to_async(read)()
    return await show(request, "billing/disputes.html", context, status=refusal.status if refusal else 200)


def _basis_points(request: PageRequest) -> int:
    """The share in percent, with at most two decimals, as it was typed."""
    typed = amount_of(request, "consultant_percent")
    whole, _, part = typed.partition(".")
    if not (
        whole.isascii() and whole.isdecimal() and len(whole) <= 3 and (not part or part.isdecimal()) and len(part) <= 2
    ):
        raise BadInput("Give a share from 0 to 100 percent, with at most two decimals.", field="consultant_percent")
    return int(whole) * 100 + int(part.ljust(2, "0") if part else 0)
