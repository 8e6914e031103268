"""Moving money: top-ups, tokens, bills, coupons. Each write takes an Idempotency-Key and happens once under it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Router

from billing import commands, queries, schemas
from billing.models import Coupon, Payment
from service_base.api import Request
from service_base.auth import Bearer
from service_base.errors import NotFound
from service_base.idempotency.answers import HEADER, answer_once
from service_base.pagination import read_page
from shared_models.ids import new_id

router = Router(tags=["money"], auth=Bearer("billing:read"))
WRITES = Bearer("billing:write")


@router.post("/topups", auth=WRITES, response={201: dict[str, Any]})
async def start_top_up(request: Request, body: schemas.TopUpIn) -> HttpResponse:
    """Start a top-up at the local test provider. It is test money: nobody is charged anywhere."""

    def work() -> dict[str, Any]:
        payment = commands.start_top_up(owner=request.auth.id, amount_usd=body.amount_usd, key=_key(request))
        return schemas.show_payment(payment)

    return await answer_once(request, body, work, status=201)


@router.post("/topups/{payment_id}/confirm", auth=WRITES)
async def confirm_top_up(request: Request, payment_id: UUID) -> HttpResponse:
    """Let the test provider report the payment as paid; the money is in the wallet afterwards, once."""

    def work() -> dict[str, Any]:
        payment = commands.confirm_test_payment(owner=request.auth.id, payment_id=payment_id)
        return schemas.show_payment(payment)

    return await answer_once(request, None, work)


@router.get("/topups")
async def top_ups(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's top-ups, newest first."""
    mine = (Payment, "owner_id = %s", [request.auth.id])
    return await read_page(*mine, schemas.show_payment, cursor=cursor, limit=limit)


@router.get("/topups/{payment_id}")
async def top_up(request: Request, payment_id: UUID) -> dict[str, Any]:
    """One of the caller's top-ups."""
    found = await sync_to_async(Payment.objects.filter(pk=payment_id, owner_id=request.auth.id).first)()
    if found is None:
        raise NotFound("There is no such payment, or it is not yours.")
    return schemas.show_payment(found)


@router.post("/exchanges", auth=WRITES, response={201: dict[str, Any]})
async def buy_tokens(request: Request, body: schemas.ExchangeIn) -> HttpResponse:
    """Turn dollars of the wallet into EAML at the price list's rate."""

    def work() -> dict[str, Any]:
        journal = commands.buy_tokens(owner=request.auth.id, key=_key(request), amount_usd=body.amount_usd)
        return schemas.show_story(queries.story_of(journal, request.auth.id))

    return await answer_once(request, body, work, status=201)


@router.post("/bills/pay", auth=WRITES, response={201: dict[str, Any]})
async def pay_bill(request: Request, body: schemas.PayIn) -> HttpResponse:
    """Pay what is owed, or a part of it, from the wallet."""

    def work() -> dict[str, Any]:
        journal = commands.pay_bill(owner=request.auth.id, key=_key(request), amount_usd=body.amount_usd)
        return schemas.show_story(queries.story_of(journal, request.auth.id))

    return await answer_once(request, body, work, status=201)


@router.post("/coupons/activate", auth=WRITES, response={201: dict[str, Any]})
async def activate_coupon(request: Request, body: schemas.CouponCodeIn) -> HttpResponse:
    """Turn a coupon into credit, once a person; credit is spent first, on the platform's prices only."""

    def work() -> dict[str, Any]:
        return schemas.show_lot(commands.activate_coupon(owner=request.auth.id, code=body.code))

    return await answer_once(request, body, work, status=201)


@router.get("/coupons")
async def coupons(request: Request) -> dict[str, Any]:
    """The caller's coupons in the order they are spent."""
    lots = await sync_to_async(lambda: list(queries.lots_of(request.auth.id)))()
    return {"items": [schemas.show_lot(lot) for lot in lots], "next_cursor": None}


@router.post("/coupons", auth=WRITES, response={201: dict[str, Any]})
async def create_coupon(request: Request, body: schemas.CouponIn) -> HttpResponse:
    """Make a coupon; operators only."""
    request.auth.must_be_operator()

    def work() -> dict[str, Any]:
        return _show_coupon(commands.create_coupon(**body.dict(), by=request.auth.id))

    return await answer_once(request, body, work, status=201)


@router.put("/parties/{owner_id}/credit-limit", auth=WRITES)
async def set_credit_limit(request: Request, owner_id: UUID, body: schemas.CreditLimitIn) -> dict[str, Any]:
    """How much a person may owe before new work is declined; operators only."""
    request.auth.must_be_operator()
    await sync_to_async(commands.set_credit_limit)(owner=owner_id, limit_usd=body.limit_usd)
    return schemas.show_wallet(await queries.read_wallet(owner_id))


def _key(request: Request) -> str:
    return request.headers.get(HEADER) or str(new_id())


def _show_coupon(coupon: Coupon) -> dict[str, Any]:
    return {
        "code": coupon.pk,
        "amount": str(coupon.amount),
        "budget": str(coupon.budget),
        "granted": str(coupon.granted),
        "credit_days": coupon.credit_days,
        "priority": coupon.priority,
    }
