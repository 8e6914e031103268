"""HTTP shapes of consulting."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ninja import Field, Schema

from billing.models import ConsultingFile, ConsultingOffer, ConsultingRequest, ConsultingStep
from billing.rules.consulting import LONGEST_DESCRIPTION, LONGEST_NOTE
from billing.schemas.fields import AMOUNT, amount_or_none, id_or_none, time_or_none
from shared_models.clock import rfc3339
from shared_models.money import plain


class ConsultingIn(Schema):
    """What help is wanted."""

    category: str = Field(max_length=40, examples=["data_engineering"])
    description: str = Field(max_length=4 * LONGEST_DESCRIPTION)
    machine_id: UUID | None = None
    team_id: UUID | None = None
    budget_estimation: str | None = Field(default=None, max_length=60, examples=["250.00"])


class OfferIn(Schema):
    """What a consultant would do it for."""

    amount_usd: str = AMOUNT
    delay_days: int
    message: str = Field(default="", max_length=4 * LONGEST_NOTE)


class NoteIn(Schema):
    """A few words for the other side."""

    note: str = Field(default="", max_length=4 * LONGEST_NOTE)


class DisputeIn(Schema):
    """Why an operator should decide."""

    reason: str = Field(max_length=4 * LONGEST_NOTE)


class SettlementIn(Schema):
    """The consultant's share of the escrow, before the platform's fee, in basis points; the rest returns."""

    consultant_basis_points: int
    reason: str = Field(max_length=4 * LONGEST_NOTE)


def show_request(found: ConsultingRequest, *, whole: bool) -> dict[str, Any]:
    """A request with the seeds' booleans; its terms, journals and people only where `whole`."""
    shown: dict[str, Any] = {
        "id": str(found.pk),
        "category": found.category,
        "description": found.description,
        "budget_estimation": amount_or_none(found.budget_estimation),
        "status": found.status,
        "request_open": found.request_open,
        "waiting_consultant_approval": found.waiting_consultant_approval,
        "contract": found.contract,
        "contract_finished": found.contract_finished,
        "contract_failed": found.contract_failed,
        "contract_cancel": found.contract_cancel,
        "date_time_creation": rfc3339(found.date_time_creation),
    }
    return shown | _terms(found) if whole else shown


def _terms(found: ConsultingRequest) -> dict[str, Any]:
    return {
        "user_id": str(found.user_id),
        "team_id": id_or_none(found.team_id),
        "machine_id": id_or_none(found.machine_id),
        "machine_name": found.machine_name,
        "consultant_user_id": id_or_none(found.consultant_user_id),
        "amount_usd": amount_or_none(found.amount_usd),
        "delay_days": found.delay_days,
        "fee_basis_points": found.fee_basis_points,
        "disputed": found.is_disputed,
        "waiting_consultant_approval_date_time": time_or_none(found.waiting_consultant_approval_date_time),
        "contract_start_date_time": time_or_none(found.contract_start_date_time),
        "due_at": time_or_none(found.due_at),
        "delivered_at": time_or_none(found.delivered_at),
        "disputed_at": time_or_none(found.disputed_at),
        "contract_end_date_time": time_or_none(found.contract_end_date_time),
        "paid_usd": amount_or_none(found.paid_usd),
        "fee_usd": amount_or_none(found.fee_usd),
        "returned_usd": amount_or_none(found.returned_usd),
        "signed_journal_id": id_or_none(found.signed_journal_id),
        "ended_journal_id": id_or_none(found.ended_journal_id),
    }


def show_offer(offer: ConsultingOffer) -> dict[str, Any]:
    """An offer."""
    return {
        "id": str(offer.pk),
        "consultant_user_id": str(offer.consultant_user_id),
        "amount_usd": plain(offer.amount_usd),
        "delay_days": offer.delay_days,
        "message": offer.message,
        "state": offer.state,
        "made_at": rfc3339(offer.made_at),
    }


def show_step(step: ConsultingStep) -> dict[str, Any]:
    """Something that happened."""
    return {"what": step.what, "by": str(step.by), "at": rfc3339(step.at), "note": step.note}


def show_file(file: ConsultingFile) -> dict[str, Any]:
    """A file without its bytes."""
    return {
        "id": str(file.pk),
        "file_name": file.file_name,
        "kind": file.kind,
        "media_type": file.media_type,
        "size_bytes": file.size_bytes,
        "size_class": file.size_class,
        "sha256": file.sha256,
        "uploaded_by": str(file.uploaded_by),
        "uploaded_at": rfc3339(file.uploaded_at),
    }
