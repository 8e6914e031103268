"""Consulting as each person may see it: the board for all, a request for its parties, a dispute for operators."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from billing.models import (
    Balance,
    ConsultingFile,
    ConsultingOffer,
    ConsultingRequest,
    ConsultingStep,
    KnownMachine,
)
from billing.rules.accounts import escrow
from billing.rules.consulting import OfferState, Status
from service_base.callers import Caller

_DISPUTED = Q(status=Status.CONTRACT.value, disputed_at__isnull=False)
_SIGNED = Q(signed_journal__isnull=False)


def requests_of(caller: Caller) -> QuerySet[ConsultingRequest]:
    """Hers, those of her teams, and those she is the consultant of."""
    return ConsultingRequest.objects.filter(_is_party(caller))


def contracts_of(caller: Caller) -> QuerySet[ConsultingRequest]:
    """Of these, those that were signed."""
    return requests_of(caller).filter(_SIGNED)


def request_seen_by(caller: Caller, request_id: UUID) -> ConsultingRequest | None:
    """The request, for its parties; for everybody while it is open; for operators while it is disputed."""
    visible = _is_party(caller) | Q(status=Status.OPEN.value) | _offered(caller.id)
    if caller.is_operator and caller.scopes is None:
        visible |= _DISPUTED
    return ConsultingRequest.objects.filter(visible, pk=request_id).first()


def is_insider(caller: Caller, found: ConsultingRequest) -> bool:
    """Whether she may see files and the timeline: a party, her team, or the operator who has to settle."""
    party = caller.id in (found.user_id, found.consultant_user_id) or found.team_id in caller.teams
    return party or (caller.is_operator and caller.scopes is None and found.is_disputed)


def board(caller: Caller, *, category: str = "") -> QuerySet[ConsultingRequest]:
    """Other people's open requests, for whoever wants to offer."""
    found = ConsultingRequest.objects.filter(status=Status.OPEN.value).exclude(user_id=caller.id)
    return found.filter(category=category) if category else found


def disputed() -> QuerySet[ConsultingRequest]:
    """The contracts that wait for an operator."""
    return ConsultingRequest.objects.filter(_DISPUTED)


def offers_seen_by(caller: Caller, found: ConsultingRequest) -> QuerySet[ConsultingOffer]:
    """The standing offers: all of them for the client and her team, her own for a consultant."""
    offers = found.offers.exclude(state=OfferState.WITHDRAWN.value).order_by("amount_usd", "id")
    if caller.id == found.user_id or found.team_id in caller.teams:
        return offers
    return offers.filter(consultant_user_id=caller.id)


def steps_seen_by(caller: Caller, found: ConsultingRequest) -> QuerySet[ConsultingStep]:
    """What happened, for insiders; the consultant is not told who else offered."""
    if not is_insider(caller, found):
        return found.steps.none()
    steps = found.steps.order_by("id")
    return steps.exclude(~Q(by=caller.id), what="offered") if caller.id == found.consultant_user_id else steps


def file_seen_by(caller: Caller, file_id: UUID) -> ConsultingFile | None:
    """The file, for insiders of its request."""
    found = ConsultingFile.objects.select_related("request").filter(pk=file_id).first()
    return found if found is not None and is_insider(caller, found.request) else None


def machines_owned(caller: Caller) -> QuerySet[KnownMachine]:
    """The machines that she, or a team of hers, owns."""
    mine = Q(machine_owner_id=caller.id) | Q(machine_owner_team_id__in=list(caller.teams))
    return KnownMachine.objects.filter(mine, deleted=False).order_by("machine_name", "id")


def names_of(people: Iterable[UUID | None]) -> dict[UUID, str]:
    """What the people are called; somebody this service has not heard of yet is left out."""
    wanted: Collection[UUID] = {person for person in people if person is not None}
    found: dict[Any, Any] = get_user_model().objects.in_bulk(list(wanted))
    return {pk: person.get_full_name() or "somebody" for pk, person in found.items()}


def escrow_of(owner: UUID) -> Decimal:
    """What the person's running contracts have set aside."""
    return Balance.objects.filter(pk=escrow(owner).id).values_list("posted", flat=True).first() or Decimal(0)


def _is_party(caller: Caller) -> Q:
    mine = Q(user_id=caller.id) | Q(consultant_user_id=caller.id)
    return mine | Q(team_id__in=list(caller.teams)) if caller.teams else mine


def _offered(person: UUID) -> Q:
    standing = ConsultingOffer.objects.filter(consultant_user_id=person).exclude(state=OfferState.WITHDRAWN.value)
    return Q(pk__in=standing.values("request_id"))
