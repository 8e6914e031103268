"""Bills: a person's, the next one so far, one as a page and as PDF; and everybody's for operators."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from billing import commands, queries
from billing.models import Bill, BillRun, Party
from billing.pages.typed import id_of, key_of
from billing.rules.bills import NUMBER
from service_base.errors import BadInput, NotFound, Refusal
from service_base.formats import Formats
from service_base.pages import PageRequest, show, signed_in
from service_base.pagination import page_of
from shared_models.ids import new_id


@signed_in
async def bills(request: PageRequest) -> HttpResponse:
    """The person's bills, newest first, after what the next one comes to so far."""

    def read() -> dict[str, Any]:
        owner = request.caller.id
        found, following = page_of(queries.bills_of(owner), cursor=request.GET.get("cursor"), limit=24)
        newest = queries.newest_bill(owner)
        return {
            "bills": found,
            "newest": queries.seen(newest) if newest else None,
            "next_cursor": following,
        }

    return await show(request, "billing/bills.html", await sync_to_async(read)())


@signed_in
async def next_bill(request: PageRequest) -> HttpResponse:
    """What the next bill comes to so far; asked for by a part of a page, only that part."""
    found = await sync_to_async(queries.next_bill)(request.caller.id)
    part = "billing/next_bill_part.html" if getattr(request, "htmx", False) else "billing/next_bill.html"
    sums = [found.total_usd, found.draft.owed_usd, found.draft.paid_usd]
    return await show(request, part, {"next": found, "places": _places(found.draft.lines, sums)})


@signed_in
async def bill(request: PageRequest, bill_id: UUID) -> HttpResponse:
    """A bill: its lines, how its sum came about, and how it is paid."""
    return await _bill(request, bill_id)


@require_POST
@signed_in
async def pay_bill(request: PageRequest, bill_id: UUID) -> HttpResponse:
    """Pay what is open of a bill."""
    try:
        await sync_to_async(commands.pay_bill)(owner=request.caller.id, key=key_of(request), bill_id=bill_id)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _bill(request, bill_id, refusal)
    messages.success(request, "The bill is paid.")
    return HttpResponseRedirect(reverse("bill", args=[bill_id]))


@signed_in
async def bill_pdf(request: PageRequest, bill_id: UUID) -> HttpResponse:
    """The bill as PDF, as it was issued."""

    def read() -> HttpResponse:
        found = _seen_by(request, bill_id)
        written = queries.pdf_of(found, list(found.lines.order_by("id")), Formats.of(request.caller.user))
        answer = HttpResponse(written, content_type="application/pdf")
        answer["Content-Disposition"] = f'attachment; filename="titan-bill-{found.called}.pdf"'
        return answer

    return await sync_to_async(read)()


@signed_in
async def all_bills(request: PageRequest) -> HttpResponse:
    """Everybody's bills, by number, and the runs that issued them."""
    request.caller.must_be_operator()
    return await _all_bills(request)


@require_POST
@signed_in
async def issue_bills(request: PageRequest) -> HttpResponse:
    """Issue everybody's bills, or one person's, for what happened until now."""
    request.caller.must_be_operator()

    def work() -> str:
        by = request.caller.id
        if not request.POST.get("owner_id", "").strip():
            commands.ask_for_bills(by=by)
            return "The books are closed until now, and everybody's bills are being issued."
        made = commands.issue_bill(owner=id_of(request, "owner_id"), by=by)
        return f"Bill {made.called} is issued."

    return await _do(request, work)


@require_POST
@signed_in
async def set_tax_rate(request: PageRequest) -> HttpResponse:
    """A person's own tax rate."""
    request.caller.must_be_operator()

    def work() -> str:
        party = commands.set_tax_rate(owner=id_of(request, "owner_id"), basis_points=_rate_of(request))
        return f"The next bill is taxed with {queries.tax_rate_of(party)} basis points."

    return await _do(request, work)


async def _do(request: PageRequest, work: Any) -> HttpResponse:
    try:
        messages.success(request, await sync_to_async(work)())
    except Refusal as refusal:
        return await _all_bills(request, refusal)
    return HttpResponseRedirect(reverse("all-bills"))


async def _bill(request: PageRequest, bill_id: UUID, refusal: Refusal | None = None) -> HttpResponse:
    def read() -> dict[str, Any]:
        seen = queries.seen(_seen_by(request, bill_id))
        lines = list(seen.bill.lines.order_by("id"))
        sums = [seen.bill.due_usd, seen.bill.owed_usd, seen.bill.paid_usd, seen.bill.taxable_usd, seen.open_usd]
        return {
            "seen": seen,
            "bill": seen.bill,
            "lines": lines,
            "places": _places(lines, sums),
            # The last day of the period is part of a statement's.
            "last_day": seen.bill.period_end - timedelta(seconds=1),
            "tax_percent": Decimal(seen.bill.tax_basis_points) / 100,
            "is_mine": seen.bill.owner_id == request.caller.id,
            "refusal": refusal,
            "key": new_id(),
        }

    context = await sync_to_async(read)()
    return await show(request, "billing/bill.html", context, status=refusal.status if refusal else 200)


async def _all_bills(request: PageRequest, refusal: Refusal | None = None) -> HttpResponse:
    def read() -> dict[str, Any]:
        wanted = request.GET.get("number", "").strip()
        rows = Bill.objects.select_related("payment")
        number = NUMBER.fullmatch(wanted)
        if number:
            rows = rows.filter(year=int(number["year"]), number=int(number["number"]))
        elif wanted:
            rows = rows.none()
        found, following = page_of(rows, cursor=request.GET.get("cursor"), limit=50)
        return {
            "bills": found,
            "next_cursor": following,
            "wanted": wanted,
            "runs": list(BillRun.objects.order_by("-until")[:12]),
            "usual_rate": queries.tax_rate_of(Party()),
            "refusal": refusal,
            "given": request.POST,
        }

    context = await sync_to_async(read)()
    return await show(request, "billing/all_bills.html", context, status=refusal.status if refusal else 200)


def _places(lines: Iterable[Any], sums: Iterable[Decimal]) -> int:
    """The decimals that all amounts of a bill need, so that they can be added up by eye: two at least."""
    amounts = [amount for line in lines for amount in (line.coupon, line.eaml, line.usd, line.owed_usd)]
    return max(2, *(-int(amount.normalize().as_tuple().exponent) for amount in [*amounts, *sums]))


def _seen_by(request: PageRequest, bill_id: UUID) -> Bill:
    rows = Bill.objects.select_related("payment").filter(pk=bill_id)
    found = (rows if request.caller.is_operator else rows.filter(owner_id=request.caller.id)).first()
    if found is None:
        raise NotFound("There is no such bill, or it is not yours.")
    return found


def _rate_of(request: PageRequest) -> int | None:
    text = request.POST.get("basis_points", "").strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadInput("Give a whole number of basis points, or nothing for the usual rate.", field="basis_points")
    return int(text) if text else None
