"""Consulting before there is a contract: requests, offers, and the choice of one; no money moves here."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing.models import ConsultingOffer, ConsultingRequest, ConsultingStep, KnownMachine
from billing.rules.consulting import (
    LONGEST_DESCRIPTION,
    LONGEST_NOTE,
    OfferState,
    Status,
    category_of,
    delay_of,
    must_follow,
    written,
)
from billing.rules.errors import ContractState, KeyConflict, OfferGone, OwnConsultant
from billing.rules.pricing import money_in
from service_base.errors import BadInput, NotAllowed, NotFound
from shared_models.clock import utc_now
from shared_models.ids import derived_id

NO_SUCH = "There is no such consulting request, or you have no part in it."


@transaction.atomic
def open_request(
    *,
    user: UUID,
    key: str,
    category: str,
    description: str,
    machine_id: UUID | None = None,
    team_id: UUID | None = None,
    teams: Collection[UUID] = (),
    budget_estimation: object = None,
    now: datetime | None = None,
) -> ConsultingRequest:
    """Ask for help; consultants may offer from now on.

    The same `key` of the same person opens one request. `teams` are hers: only for one of them, and only about her own
    machine or one of theirs, can she ask. Raises BadInput naming the field, AmountUnfit, KeyConflict.
    """
    facts: dict[str, object] = {
        "category": category_of(category).value,
        "description": written(description, field="description", longest=LONGEST_DESCRIPTION),
        "budget_estimation": _budget(budget_estimation),
        "team_id": _team(team_id, teams),
        "machine_id": machine_id,
        "machine_name": _machine_name(machine_id, user, teams),
    }
    at = now or utc_now()
    found, is_new = ConsultingRequest.objects.get_or_create(
        request_key=derived_id("consulting request", user, key).hex,
        defaults={"user_id": user, "date_time_creation": at, **facts},
    )
    if is_new:
        note_step(found, "opened", by=user, at=at)
    elif any(getattr(found, name) != value for name, value in facts.items() if name != "machine_name"):
        raise KeyConflict("Another request was opened under this key.", field="description")
    return found


@transaction.atomic
def make_offer(
    *,
    request_id: UUID,
    consultant: UUID,
    amount_usd: object,
    delay_days: object,
    message: str = "",
    now: datetime | None = None,
) -> ConsultingOffer:
    """Offer to do it for an amount within so many days. New terms take the place of the consultant's earlier offer.

    Offered again with the same terms it is the offer that stands. Raises AmountUnfit (also for parts of a cent),
    BadInput, NotFound, OwnConsultant, ContractState when the request is no longer open.
    """
    amount, delay = money_in(amount_usd, field="amount_usd", places=2), delay_of(delay_days)
    said = written(message, field="message", longest=LONGEST_NOTE, needed=False)
    found = lock_request(request_id)
    if found.user_id == consultant:
        raise OwnConsultant("Somebody else has to be your consultant.")
    if not found.request_open:
        raise ContractState(f"This request is {found.called}; offers are made while it is open.")
    standing = found.offers.filter(consultant_user_id=consultant, state=OfferState.MADE).first()
    if standing is not None:
        if (standing.amount_usd, standing.delay_days, standing.message) == (amount, delay, said):
            return standing
        _withdraw(standing)
    at = now or utc_now()
    note_step(found, "offered", by=consultant, at=at)
    return ConsultingOffer.objects.create(
        request=found, consultant_user_id=consultant, amount_usd=amount, delay_days=delay, message=said, made_at=at
    )


@transaction.atomic
def withdraw_offer(*, request_id: UUID, consultant: UUID) -> ConsultingRequest:
    """Take the standing offer back; without one nothing changes. Raises NotFound, ContractState once it was chosen."""
    found = lock_request(request_id)
    if found.consultant_user_id == consultant:
        raise ContractState("Your offer was chosen: decline it instead, or sign it.")
    for standing in found.offers.filter(consultant_user_id=consultant, state=OfferState.MADE):
        _withdraw(standing)
    return found


@transaction.atomic
def choose_offer(*, request_id: UUID, offer_id: UUID, user: UUID, now: datetime | None = None) -> ConsultingRequest:
    """Take a consultant at her word; she signs next, and only then does money move.

    The offer carries its terms, so nobody can choose other terms than she saw. Raises NotFound, NotAllowed, OfferGone,
    ContractState.
    """
    found = lock_request(request_id)
    must_be_client(found, user)
    offer = found.offers.filter(pk=offer_id).first()
    if offer is None:
        raise NotFound("There is no such offer.")
    if found.waiting_consultant_approval and offer.state == OfferState.CHOSEN:
        return found
    must_follow(found.status, Status.WAITING_APPROVAL)
    if offer.state != OfferState.MADE:
        raise OfferGone("This offer was withdrawn, or its consultant has made another; look at the offers again.")
    at = now or utc_now()
    offer.state = OfferState.CHOSEN.value
    offer.save(update_fields=["state"])
    found.status = Status.WAITING_APPROVAL.value
    found.consultant_user_id, found.amount_usd = offer.consultant_user_id, offer.amount_usd
    found.delay_days, found.waiting_consultant_approval_date_time = offer.delay_days, at
    found.save()
    note_step(found, "chosen", by=user, at=at)
    return found


@transaction.atomic
def reopen_request(*, request_id: UUID, actor: UUID, note: str = "", now: datetime | None = None) -> ConsultingRequest:
    """The chosen consultant declines, or the client changes her mind before the signature: the request is open again.

    The offer that was chosen is gone. Raises NotFound, ContractState.
    """
    found = lock_request(request_id)
    must_be_party(found, actor)
    if found.request_open and actor == found.user_id:
        return found
    must_follow(found.status, Status.OPEN)
    for chosen in found.offers.filter(state=OfferState.CHOSEN):
        _withdraw(chosen)
    found.status, found.consultant_user_id, found.amount_usd = Status.OPEN.value, None, None
    found.delay_days, found.waiting_consultant_approval_date_time = None, None
    found.save()
    said = written(note, field="note", longest=LONGEST_NOTE, needed=False)
    note_step(found, "reopened", by=actor, at=now or utc_now(), note=said)
    return found


def lock_request(request_id: UUID) -> ConsultingRequest:
    """The request, locked until the transaction ends. Everybody locks it before any party, so nobody waits in a ring.

    Raises NotFound.
    """
    found = ConsultingRequest.objects.select_for_update().filter(pk=request_id).first()
    if found is None:
        raise NotFound(NO_SUCH)
    return found


def must_be_party(found: ConsultingRequest, actor: UUID) -> None:
    """Raise NotFound unless `actor` is the client or the consultant."""
    if actor not in (found.user_id, found.consultant_user_id):
        raise NotFound(NO_SUCH)


def must_be_client(found: ConsultingRequest, actor: UUID) -> None:
    """Raise NotFound for strangers, NotAllowed for the consultant."""
    must_be_party(found, actor)
    if actor != found.user_id:
        raise NotAllowed("Only who asked for the work can do this.")


def must_be_consultant(found: ConsultingRequest, actor: UUID) -> None:
    """Raise NotFound for strangers, NotAllowed for the client."""
    must_be_party(found, actor)
    if actor != found.consultant_user_id:
        raise NotAllowed("Only the consultant can do this.")


def note_step(found: ConsultingRequest, what: str, *, by: UUID, at: datetime, note: str = "") -> None:
    """Write down what happened, for the timeline."""
    ConsultingStep.objects.create(request=found, what=what, by=by, at=at, note=note)


def _withdraw(offer: ConsultingOffer) -> None:
    offer.state = OfferState.WITHDRAWN.value
    offer.save(update_fields=["state"])


def _budget(amount: object) -> Decimal | None:
    return None if amount is None or amount == "" else money_in(amount, field="budget_estimation", places=2)


def _team(team_id: UUID | None, teams: Collection[UUID]) -> UUID | None:
    if team_id is not None and team_id not in teams:
        raise BadInput("You are in no team with this id.", field="team_id")
    return team_id


def _machine_name(machine_id: UUID | None, user: UUID, teams: Collection[UUID]) -> str:
    if machine_id is None:
        return ""
    machine = KnownMachine.objects.filter(pk=machine_id, deleted=False).first()
    if machine is None or not (machine.machine_owner_id == user or machine.machine_owner_team_id in teams):
        raise BadInput("You have no machine with this id.", field="machine_id")
    return str(machine.machine_name)
