"""Bills: the caller's, the one that comes next, paying one; issuing them is for operators."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse
from ninja import Router

from billing import commands, queries, schemas
from billing.models import Bill, BillRun
from service_base.api import Request
from service_base.auth import Bearer
from service_base.errors import NotFound
from service_base.formats import Formats
from service_base.idempotency.answers import HEADER, answer_once
from service_base.pagination import as_page
from shared_models.ids import new_id

router = Router(tags=["bills"], auth=Bearer("billing:read"))
WRITES = Bearer("billing:write")


@router.get("/bills")
async def bills(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """The caller's bills, newest first."""
    found = queries.bills_of(request.auth.id)
    return await sync_to_async(as_page)(found, schemas.show_bill, cursor=cursor, limit=limit)


@router.get("/bills/next")
async def next_bill(request: Request) -> dict[str, Any]:
    """What the next bill would come to if it were issued now; nothing of it is final."""
    return schemas.show_next_bill(await sync_to_async(queries.next_bill)(request.auth.id))


@router.post("/bills/issue", auth=WRITES, response={202: dict[str, Any]})
async def issue(request: Request, body: schemas.BillsIn) -> HttpResponse:
    """Issue one person's bill, or have everybody's issued; operators only. It closes the books up to that moment."""
    request.auth.must_be_operator()

    def work() -> dict[str, Any]:
        by = request.auth.id
        if body.owner_id is None:
            return schemas.show_bill_run(commands.ask_for_bills(until=body.until, by=by))
        bill = commands.issue_bill(owner=body.owner_id, until=body.until, by=by)
        return schemas.show_seen_bill(queries.seen(bill))

    return await answer_once(request, body, work, status=202)


@router.get("/bills/runs")
async def runs(request: Request, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
    """When everybody's bills were issued, newest first; operators only."""
    request.auth.must_be_operator()
    found = BillRun.objects.all()
    return await sync_to_async(as_page)(found, schemas.show_bill_run, cursor=cursor, limit=limit)


@router.get("/bills/{uuid:bill_id}")
async def bill(request: Request, bill_id: UUID) -> dict[str, Any]:
    """One of the caller's bills with its lines, its state and what is open of it."""

    def read() -> dict[str, Any]:
        return schemas.show_seen_bill(queries.seen(_mine(request, bill_id)))

    return await sync_to_async(read)()


@router.get("/bills/{uuid:bill_id}/pdf")
async def bill_pdf(request: Request, bill_id: UUID) -> HttpResponse:
    """The bill as PDF, as it was issued."""

    def read() -> HttpResponse:
        found = _mine(request, bill_id)
        lines = list(found.lines.order_by("id"))
        answer = HttpResponse(queries.pdf_of(found, lines, Formats()), content_type="application/pdf")
        answer["Content-Disposition"] = f'attachment; filename="titan-bill-{found.called}.pdf"'
        return answer

    return await sync_to_async(read)()


@router.post("/bills/{uuid:bill_id}/pay", auth=WRITES, response={201: dict[str, Any]})
async def pay(request: Request, bill_id: UUID) -> HttpResponse:
    """Pay what is open of the newest bill from the wallet, once."""

    def work() -> dict[str, Any]:
        key = request.headers.get(HEADER) or str(new_id())
        journal = commands.pay_bill(owner=request.auth.id, key=key, bill_id=bill_id)
        return schemas.show_story(queries.story_of(journal, request.auth.id))

    return await answer_once(request, None, work, status=201)


@router.put("/parties/{owner_id}/tax-rate", auth=WRITES)
async def set_tax_rate(request: Request, owner_id: UUID, body: schemas.TaxRateIn) -> dict[str, Any]:
    """The tax on a person's bills from the next one on; operators only."""
    request.auth.must_be_operator()
    party = await sync_to_async(commands.set_tax_rate)(owner=owner_id, basis_points=body.basis_points)
    return {"owner_id": str(owner_id), "basis_points": party.tax_basis_points}


def _mine(request: Request, bill_id: UUID) -> Bill:
    found = queries.bills_of(request.auth.id).filter(pk=bill_id).first()
    if found is None:
        raise NotFound("There is no such bill, or it is not yours.")
    return found
