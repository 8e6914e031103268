"""Issuing bills: a month's books are closed, then everybody who used something gets the next number with her lines."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction

from billing import publishes, queries
from billing.commands.book import Book, Cause
from billing.commands.page import as_json, as_row
from billing.commands.parties import lock_parties
from billing.commands.periods import close_books, lock_books
from billing.models import Bill, BillLine, BillRun, Journal
from billing.queries import NextBill
from billing.rules.accounts import Move, Purpose, of_platform, receivable, wallet
from billing.rules.bills import PAYMENT_TERM, months_to_bill, whole_second
from billing.rules.errors import NothingToBill, PeriodUnfit
from billing.rules.kinds import TAX_CHARGED
from billing.rules.usage import digest_of
from service_base.principals.models import Principal
from shared_models.clock import rfc3339, utc_now
from shared_models.ids import dated_id
from shared_models.money import Currency, plain

SOURCE = "bill"

log = structlog.get_logger("titan.billing")


@transaction.atomic
def issue_bill(*, owner: UUID, until: datetime | None = None, by: UUID | None = None) -> Bill:
    """Bill one person for what took effect before `until` (now, when left out), closing the books up to there.

    Bill, number, tax journal and event exist together or not at all; a number is never lost. Asked again for the same
    moment it is the bill that exists. Raises NothingToBill, and PeriodUnfit for a moment before her last bill's end or
    one that has not come.
    """
    end = whole_second(until or utc_now())
    lock_books()
    lock_parties(owner)
    last = queries.newest_bill(owner)
    if last is not None and last.period_end == end:
        return last
    if last is not None and last.period_end > end:
        raise PeriodUnfit(f"Bill {last.called} reaches to {rfc3339(last.period_end)} already.", field="until")
    close_books(until=end, by=by)
    bill = _issue(owner, end)
    if bill is None:
        raise NothingToBill("This person used nothing since her last bill.", field="owner_id")
    return bill


@transaction.atomic
def ask_for_bills(*, until: datetime | None = None, by: UUID | None = None) -> BillRun:
    """Close the books up to `until` (now, when left out) and let the worker issue everybody's bills.

    Asked again for the same moment it is the run that exists. Raises PeriodUnfit.
    """
    end = whole_second(until or utc_now())
    newest = BillRun.objects.order_by("until").last()
    if newest is not None and newest.until > end:
        raise PeriodUnfit(f"Bills were issued until {rfc3339(newest.until)} already.", field="until")
    close_books(until=end, by=by)
    run, _ = BillRun.objects.get_or_create(until=end, defaults={"asked_by": by})
    return run


def issue_due_bills(*, now: datetime | None = None) -> int:
    """Issue the bills of every month that is over, and those that an operator asked for; how many there were.

    Each is a transaction of its own: after a crash the next call goes on with whoever has none yet.
    """
    at = now or utc_now()
    newest = BillRun.objects.order_by("until").last()
    since = newest.until if newest is not None else _first_moment()
    for end in months_to_bill(since=since, now=at) if since is not None else ():
        ask_for_bills(until=end)
    return sum(_work_off(run) for run in BillRun.objects.filter(finished_at=None).order_by("until"))


def _work_off(run: BillRun) -> int:
    before = BillRun.objects.filter(until__lt=run.until, finished_at__isnull=False).order_by("until").last()
    since = before.until if before is not None else queries.BEGINNING
    owners = queries.spenders(since=since, until=run.until)
    issued = sum(_issue_once(owner, run.until) for owner in owners)
    run.issued = Bill.objects.filter(period_end=run.until).count()
    run.finished_at = utc_now()
    run.save(update_fields=["issued", "finished_at"])
    log.info("bills.issued", until=rfc3339(run.until), bills=run.issued)
    return issued


@transaction.atomic
def _issue_once(owner: UUID, end: datetime) -> bool:
    lock_parties(owner)
    last = queries.newest_bill(owner)
    if last is not None and last.period_end >= end:
        return False
    return _issue(owner, end) is not None


def _issue(owner: UUID, end: datetime) -> Bill | None:
    """The bill of a person who is locked, for a period that is closed; None where there is nothing to bill."""
    found, at = queries.next_bill(owner, until=end), utc_now()
    if found.is_empty:
        return None
    book = Book(owner)
    bill_id = dated_id(end, SOURCE, owner, rfc3339(end))
    tax_owed, journal = _charge_tax(book, found, bill_id, at)
    # The page before the number: the series' row is the last lock that is taken, and the one that most wait for.
    book.close()
    bill = _bill(found, bill_id, at, tax_owed, journal)
    bill.number = _write(bill, found)
    book.say(publishes.bill_issued(bill, found.draft.lines), bill.pk)
    book.close()
    return bill


def _charge_tax(book: Book, found: NextBill, bill_id: UUID, at: datetime) -> tuple[Decimal, Journal | None]:
    """Tax is paid from the wallet as far as that goes, as usage is; what stays owed of it, and the journal."""
    owner, tax = found.owner, found.draft.tax_usd
    if tax <= 0:
        return Decimal(0), None
    from_wallet = min(tax, max(book.free(wallet(owner, Currency.USD)), Decimal(0)))
    taxes = of_platform(Purpose.TAX, Currency.USD)
    details = {
        "bill": str(bill_id),
        "basis_points": found.draft.tax_basis_points,
        "taxable_usd": plain(found.draft.taxable_usd),
    }
    journal = book.post(
        Cause(SOURCE, f"tax:{bill_id}", digest_of(tax=tax, **details), at),
        kind=TAX_CHARGED,
        moves=[
            Move(wallet(owner, Currency.USD), taxes, from_wallet),
            Move(receivable(owner), taxes, tax - from_wallet),
        ],
        details=details,
    ).as_model()
    return tax - from_wallet, journal


def _bill(found: NextBill, bill_id: UUID, at: datetime, tax_owed: Decimal, journal: Journal | None) -> Bill:
    worked_out = found.draft
    return Bill(
        id=bill_id,
        owner_id=found.owner,
        year=at.year,
        issuer=settings.BILL_ISSUER,
        billed_to=_name_of(found.owner),
        period_start=found.since,
        period_end=found.until,
        issued_at=at,
        pay_by=at + PAYMENT_TERM,
        brought_forward_usd=worked_out.brought_forward_usd,
        owed_usd=worked_out.owed_usd,
        paid_usd=worked_out.paid_usd,
        tax_basis_points=worked_out.tax_basis_points,
        taxable_usd=worked_out.taxable_usd,
        tax_usd=worked_out.tax_usd,
        tax_owed_usd=tax_owed,
        due_usd=worked_out.due_usd(tax_owed),
        journal=journal,
    )


def _write(bill: Bill, found: NextBill) -> int:
    lines = [BillLine(bill=bill, **asdict(line)) for line in found.draft.lines]
    with connection.cursor() as cursor:
        told = [as_json(as_row(bill)), as_json([as_row(line) for line in lines])]
        cursor.execute("SELECT ledger_issue_bill(%s::json, %s::json)", told)
        return int(cursor.fetchone()[0])


def _name_of(owner: UUID) -> str:
    person = Principal.objects.filter(pk=owner).first()
    known = [person.get_full_name(), person.email or ""] if person else []
    return ", ".join(part for part in known if part)[:500] or str(owner)


def _first_moment() -> datetime | None:
    first = Journal.objects.order_by("pk").first()
    return first.effective_at if first is not None else None
