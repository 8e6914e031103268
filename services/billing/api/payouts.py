"""Market income: kept or paid out; and what operators do about payments: refunds, suspense, reversals."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Field, Router, Schema

from billing import commands, queries, schemas
from billing.models import Payout, UnmatchedPayment
from billing.schemas import AMOUNT
from service_base.api import Request
from service_base.auth import Bearer
from service_base.errors import NotFound
from service_base.idempotency.answers import HEADER, answer_once
from service_base.pagination import as_page, read_page
from shared_models.clock import rfc3339
from shared_models.ids import new_id
from shared_models.money import plain

router = Router(tags=["payouts"], auth=Bearer("billing:read"))
WRITES = Bearer("billing:write")


class IncomeIn(Schema):
    """Market income to move into the wallet."""

    amount_usd: str = AMOUNT


class PayoutIn(Schema):
    """Market income to pay out; `destination` where the provider needs one, such as a connected account."""

    amount_usd: str = AMOUNT
    destination: str = Field(default="", max_length=100)


class OutcomeIn(Schema):
    """How a payout of the test provider ended."""

    paid: bool


class RefundIn(Schema):
    """How much of a top-up to give back; all that is left of it when left out."""

    amount_usd: str | None = Field(default=None, max_length=60)


class ReversalIn(Schema):
    """Why a movement is taken back."""

    reason: str = Field(min_length=1, max_length=500)


class OwnerIn(Schema):
    """Whose money it is."""

    owner_id: UUID


@router.post("/income/keep", auth=WRITES, response={201: dict[str, Any]})
async def keep_income(request: Request, body: IncomeIn) -> HttpResponse:
    """Move market income into the wallet."""

    def work() -> dict[str, Any]:
        journal = commands.keep_income(owner=request.auth.id, key=_key(request), amount_usd=body.amount_usd)
        return schemas.show_story(queries.story_of(journal, request.auth.id))

    return await answer_once(request, body, work, status=201)


@router.post("/payouts", auth=WRITES, response={201: dict[str, Any]})
async def request_payout(request: Request, body: PayoutIn) -> HttpResponse:
    """Request a payout of market income; it is in transit until the provider says how it ended."""

    def work() -> dict[str, Any]:
        payout = commands.request_payout(owner=request.auth.id, key=_key(request), **body.dict())
        return show_payout(payout)

    return await answer_once(request, body, work, status=201)


@router.get("/payouts")
async def payouts(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's payouts, newest first."""
    return await read_page(Payout, "owner_id = %s", [request.auth.id], show_payout, cursor=cursor, limit=limit)


@router.get("/payouts/{payout_id}")
async def payout(request: Request, payout_id: UUID) -> dict[str, Any]:
    """One of the caller's payouts."""
    found = await sync_to_async(Payout.objects.filter(pk=payout_id, owner_id=request.auth.id).first)()
    if found is None:
        raise NotFound("There is no such payout, or it is not yours.")
    return show_payout(found)


@router.post("/payouts/{payout_id}/settle", auth=WRITES)
async def settle_payout(request: Request, payout_id: UUID, body: OutcomeIn) -> HttpResponse:
    """Say for the test provider how a payout ended; operators only."""
    request.auth.must_be_operator()

    def work() -> dict[str, Any]:
        return show_payout(commands.settle_test_payout(payout_id=payout_id, paid=body.paid))

    return await answer_once(request, body, work)


@router.post("/topups/{payment_id}/refund", auth=WRITES)
async def refund(request: Request, payment_id: UUID, body: RefundIn) -> HttpResponse:
    """Give a top-up back through its provider; operators only. It is posted when the provider reports it."""
    request.auth.must_be_operator()

    def work() -> dict[str, Any]:
        return schemas.show_payment(commands.refund_top_up(payment_id=payment_id, amount_usd=body.amount_usd))

    return await answer_once(request, body, work)


@router.post("/ledger/journals/{journal_id}/reverse", auth=WRITES, response={201: dict[str, Any]})
async def reverse(request: Request, journal_id: UUID, body: ReversalIn) -> HttpResponse:
    """Take a movement back by its mirror image, once; operators only."""
    request.auth.must_be_operator()

    def work() -> dict[str, Any]:
        journal = commands.reverse_journal(journal_id=journal_id, reason=body.reason, by=request.auth.id)
        return schemas.show_journal_id(journal) | {"reverses": str(journal_id)}

    return await answer_once(request, body, work, status=201)


@router.get("/suspense")
async def suspense(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """Payments that came for nothing of ours, newest first; operators only."""
    request.auth.must_be_operator()
    found = UnmatchedPayment.objects.all()
    return await sync_to_async(as_page)(found, show_unmatched, cursor=cursor, limit=limit)


@router.post("/suspense/{unmatched_id}/assign", auth=WRITES)
async def assign(request: Request, unmatched_id: UUID, body: OwnerIn) -> HttpResponse:
    """Put a payment from suspense into its owner's wallet; operators only."""
    request.auth.must_be_operator()

    def work() -> dict[str, Any]:
        return schemas.show_payment(commands.assign_payment(unmatched_id=unmatched_id, owner=body.owner_id))

    return await answer_once(request, body, work)


def show_payout(found: Payout) -> dict[str, Any]:
    """A payout."""
    return {
        "id": str(found.pk),
        "provider": found.provider,
        "test_money": found.is_test_money,
        "reference": found.reference,
        "destination": found.destination,
        "amount_usd": plain(found.amount),
        "status": found.status,
        "reason": found.reason,
        "journal_id": str(found.journal_id),
        "requested_at": rfc3339(found.requested_at),
        "settled_at": rfc3339(found.settled_at) if found.settled_at else None,
    }


def show_unmatched(found: UnmatchedPayment) -> dict[str, Any]:
    """A payment in suspense, or one that was."""
    return {
        "id": str(found.pk),
        "provider": found.provider,
        "reference": found.reference,
        "amount": plain(found.amount),
        "currency": found.currency,
        "refunded": plain(found.refunded),
        "reason": found.reason,
        "open": found.is_open,
        "journal_id": str(found.journal_id) if found.journal_id else None,
        "received_at": rfc3339(found.received_at),
    }


def _key(request: Request) -> str:
    return request.headers.get(HEADER) or str(new_id())
