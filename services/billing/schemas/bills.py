"""Bills as HTTP shapes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ninja import Field, Schema

from billing.models import Bill, BillRun
from billing.queries import NextBill, SeenBill
from billing.rules.bills import Line
from billing.schemas.fields import id_or_none, time_or_none
from service_base.moments import Moment
from shared_models.clock import rfc3339
from shared_models.money import plain


class BillsIn(Schema):
    """Whose bills to issue (everybody's when left out), for what took effect before when (now when left out)."""

    owner_id: UUID | None = None
    until: Moment | None = None


class TaxRateIn(Schema):
    """A person's tax rate in hundredths of a percent; null takes the usual one."""

    basis_points: int | None = Field(examples=[1900])


def show_bill(bill: Bill) -> dict[str, Any]:
    """A bill as it was issued."""
    payment = getattr(bill, "payment", None)
    return {
        "id": str(bill.pk),
        "number": bill.called,
        "owner_id": str(bill.owner_id),
        "issuer": bill.issuer,
        "billed_to": bill.billed_to,
        "period_start": rfc3339(bill.period_start),
        "period_end": rfc3339(bill.period_end),
        "issued_at": rfc3339(bill.issued_at),
        "pay_by": rfc3339(bill.pay_by),
        "brought_forward_usd": plain(bill.brought_forward_usd),
        "owed_usd": plain(bill.owed_usd),
        "paid_usd": plain(bill.paid_usd),
        "tax_basis_points": bill.tax_basis_points,
        "taxable_usd": plain(bill.taxable_usd),
        "tax_usd": plain(bill.tax_usd),
        "tax_from_wallet_usd": plain(bill.tax_usd - bill.tax_owed_usd),
        "due_usd": plain(bill.due_usd),
        "tax_journal_id": id_or_none(bill.journal_id),
        "paid_at": time_or_none(payment.paid_at if payment else None),
        "payment_journal_id": id_or_none(payment.journal_id if payment else None),
    }


def show_seen_bill(seen: SeenBill) -> dict[str, Any]:
    """A bill with its lines, its state and what is open of it."""
    return show_bill(seen.bill) | {
        "state": seen.state,
        "open_usd": plain(seen.open_usd),
        "newest_bill_id": str(seen.newest.pk),
        "lines": [_show_line(line) for line in seen.bill.lines.order_by("id")],
    }


def show_next_bill(found: NextBill) -> dict[str, Any]:
    """What the next bill would come to if it were issued now; nothing of it is final."""
    worked_out = found.draft
    return {
        "final": False,
        "period_start": rfc3339(found.since),
        "until": rfc3339(found.until),
        "brought_forward_usd": plain(worked_out.brought_forward_usd),
        "owed_usd": plain(worked_out.owed_usd),
        "paid_usd": plain(worked_out.paid_usd),
        "tax_basis_points": worked_out.tax_basis_points,
        "taxable_usd": plain(worked_out.taxable_usd),
        "tax_usd": plain(worked_out.tax_usd),
        "total_usd": plain(found.total_usd),
        "lines": [_show_line(line) for line in worked_out.lines],
    }


def show_bill_run(run: BillRun) -> dict[str, Any]:
    """An order to issue everybody's bills."""
    return {
        "until": rfc3339(run.until),
        "asked_by": id_or_none(run.asked_by),
        "asked_at": rfc3339(run.asked_at),
        "finished_at": time_or_none(run.finished_at),
        "issued": run.issued,
    }


def _show_line(line: Line | Any) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "label": line.label,
        "count": line.count,
        "count_of_lines": line.count_of_lines,
        "coupon": plain(line.coupon),
        "eaml": plain(line.eaml),
        "usd": plain(line.usd),
        "owed_usd": plain(line.owed_usd),
        "taxable_usd": plain(line.taxable_usd),
        "tax_usd": plain(line.tax_usd),
    }
