"""Bills: what a period came to, the bill that would be issued now, and what of an issued one is still open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet, Sum

from billing.models import Bill, Entry, Party
from billing.queries import many
from billing.rules.accounts import Purpose, accounts_of_person, receivable
from billing.rules.bills import CHARGES, ZERO, Draft, Line, draft, month_of
from billing.rules.kinds import REVERSAL, TAX_CHARGED, OperationKind
from shared_models.clock import utc_now
from shared_models.money import rounded

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

# What a person spends from. Her market income is no part of her bill: nobody charges her for it.
_SPENT_FROM = (Purpose.WALLET, Purpose.COUPON, Purpose.RECEIVABLE, Purpose.ESCROW)
# A journal's id begins with the moment of its cause, so a period is a range of ids (and of partitions); what came after
# its period was closed has an id of before, and is found by the moment it took effect. Accounts are given by their ids,
# so that of a busy month only the person's own postings are looked at.
_SIDES = """
    WITH late AS MATERIALIZED (
        SELECT id FROM journal
        WHERE details ? 'happened_at' AND effective_at >= %(since)s AND effective_at < %(until)s AND id < %(first)s
    ), side AS (
        SELECT journal_id, debit_account_id AS account_id, currency, amount, credit_account_id AS other_id
        FROM posting
        WHERE debit_account_id = ANY(%(accounts)s) AND journal_id >= %(first)s AND journal_id < %(end)s
        UNION ALL
        SELECT journal_id, credit_account_id, currency, -amount, debit_account_id
        FROM posting
        WHERE credit_account_id = ANY(%(accounts)s) AND journal_id >= %(first)s AND journal_id < %(end)s
        UNION ALL
        SELECT journal_id, debit_account_id, currency, amount, credit_account_id
        FROM late JOIN posting ON journal_id = late.id WHERE debit_account_id = ANY(%(accounts)s)
        UNION ALL
        SELECT journal_id, credit_account_id, currency, -amount, debit_account_id
        FROM late JOIN posting ON journal_id = late.id WHERE credit_account_id = ANY(%(accounts)s)
    )
"""
# A reversal counts as what it takes back. Owed is whatever moves the debt; the rest counts only where it is a charge.
_LINES = f"""{_SIDES}, told AS (
        SELECT s.*, m.purpose, j.kind, j.operation_id, j.effective_at, coalesce(o.kind, j.kind) AS of_kind,
               (coalesce(o.details, j.details) ->> 'usd_per_eaml')::numeric AS rate, a.purpose = 'revenue' AS is_sale
        FROM side s JOIN journal j ON j.id = s.journal_id
        JOIN account m ON m.id = s.account_id JOIN account a ON a.id = s.other_id
        LEFT JOIN journal o ON o.id = j.reverses_id
        WHERE j.effective_at >= %(since)s AND j.effective_at < %(until)s AND j.kind <> %(tax)s
    ), journal_sum AS (
        SELECT journal_id, kind, operation_id, min(effective_at) AS at,
               coalesce(sum(amount) FILTER (WHERE purpose = 'coupon'), 0) AS coupon,
               coalesce(sum(amount) FILTER (WHERE currency = 'EAML'), 0) AS eaml,
               coalesce(sum(amount) FILTER (WHERE currency = 'USD' AND purpose <> 'receivable'), 0) AS usd,
               coalesce(sum(amount) FILTER (WHERE purpose = 'receivable'), 0) AS owed,
               coalesce(sum(CASE currency WHEN 'USD' THEN amount WHEN 'EAML' THEN amount * rate END)
                        FILTER (WHERE is_sale), 0) AS taxable
        FROM told
        WHERE purpose = 'receivable' OR of_kind = ANY(%(charges)s)
              OR (kind = %(reversal)s AND of_kind = %(payment)s)
        GROUP BY journal_id, kind, operation_id
    )
    SELECT t.kind, count(*), coalesce(sum(o.count_of_lines), 0), sum(coupon), sum(eaml), sum(usd), sum(owed),
           sum(taxable), min(at)
    FROM journal_sum t LEFT JOIN operation o ON o.id = t.operation_id
    GROUP BY t.kind ORDER BY t.kind
"""
# A debit of what people spend from, by whomever; those who only earned have no bill.
_SPENDERS = """
    SELECT DISTINCT a.owner_id
    FROM posting p JOIN account a ON a.id = p.debit_account_id AND a.purpose = ANY(%(spent_from)s)
    WHERE p.journal_id < %(end)s AND (p.journal_id >= %(first)s OR p.journal_id IN (
        SELECT id FROM journal
        WHERE details ? 'happened_at' AND effective_at >= %(since)s AND effective_at < %(until)s))
    ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class NextBill:
    """A bill as it would be issued for what took effect before `until`; nothing of it is final."""

    owner: UUID
    since: datetime
    until: datetime
    draft: Draft

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to bill."""
        return not self.draft.lines

    @property
    def total_usd(self) -> Decimal:
        """What the bill would come to if nothing of its tax were paid from the wallet."""
        return self.draft.due_usd(self.draft.tax_usd)


@dataclass(frozen=True, slots=True)
class SeenBill:
    """A bill as it stands now: `paid`, `settled` (nothing is due), `open`, `overdue`, or `carried` by the newest."""

    bill: Bill
    state: str
    open_usd: Decimal
    newest: Bill


def next_bill(owner: UUID, *, until: datetime | None = None) -> NextBill:
    """What the person used since her last bill, with tax; commands ask under her lock and for a closed period."""
    end = until or utc_now()
    last = newest_bill(owner)
    party = Party.objects.filter(pk=owner).first() or Party(owner_id=owner)
    lines, paid, first = _lines(owner, last.period_end if last else BEGINNING, end)
    worked_out = draft(
        lines,
        brought_forward_usd=last.due_usd if last else ZERO,
        taxable_before_usd=last.taxable_usd if last else ZERO,
        paid_usd=paid,
        tax_basis_points=tax_rate_of(party),
    )
    since = month_of(first or end)
    return NextBill(owner, max(since, last.period_end) if last else since, end, worked_out)


def tax_rate_of(party: Party) -> int:
    """The basis points of tax on what the platform sells to this person."""
    return settings.TAX_BASIS_POINTS if party.tax_basis_points is None else party.tax_basis_points


def bills_of(owner: UUID) -> QuerySet[Bill]:
    """The person's bills."""
    return Bill.objects.filter(owner_id=owner).select_related("payment")


def newest_bill(owner: UUID) -> Bill | None:
    """The bill that the person's payments go to."""
    return bills_of(owner).order_by("period_end").last()


def open_usd(bill: Bill) -> Decimal:
    """What is still to be paid of the newest bill: whatever lowered the debt since its period went to it first.

    What was taken back did not: neither a payment that was reversed, nor the reversal of a charge that came after it.
    """
    found = Entry.objects.filter(
        account_id=receivable(bill.owner_id).id, amount__gt=0, journal__effective_at__gte=bill.period_end
    )
    found = found.exclude(journal__reversed_by__isnull=False)
    found = found.exclude(journal__reverses__effective_at__gte=bill.period_end)
    lowered = found.aggregate(sum=Sum("amount", default=ZERO))["sum"]
    return Decimal(max(bill.due_usd - lowered, ZERO))


def seen(bill: Bill, *, now: datetime | None = None) -> SeenBill:
    """The bill with its state and what is open of it."""
    newest = newest_bill(bill.owner_id)
    assert newest is not None
    is_newest = newest.pk == bill.pk
    to_pay = open_usd(bill) if is_newest and not hasattr(bill, "payment") else ZERO
    return SeenBill(bill, _state(bill, to_pay, is_newest, now or utc_now()), to_pay, newest)


def spenders(*, since: datetime, until: datetime) -> list[UUID]:
    """Whoever spent something that took effect in the period."""
    return [owner for (owner,) in many.rows(_SPENDERS, **_facts(since, until))]


def _state(bill: Bill, to_pay: Decimal, is_newest: bool, now: datetime) -> str:
    if hasattr(bill, "payment"):
        return "paid"
    if bill.due_usd <= 0 or (is_newest and to_pay <= 0):
        return "settled"
    if not is_newest:
        return "carried"
    return "overdue" if now > bill.pay_by else "open"


def _lines(owner: UUID, since: datetime, until: datetime) -> tuple[Sequence[Line], Decimal, datetime | None]:
    """The lines of a period, what was paid of the debt in it, and when the first of it took effect."""
    mine = [name.id for name in accounts_of_person(owner) if name.purpose in _SPENT_FROM]
    rows = many.rows(_LINES, **_facts(since, until), accounts=mine)
    payment = OperationKind.PAY_A_BILL.value
    paid = sum((-row[6] for row in rows if row[0] == payment), ZERO)
    lines = [_line(*row[:8]) for row in rows if row[0] != payment]
    return lines, paid, min((row[8] for row in rows), default=None)


def _line(
    kind: str,
    count: int,
    count_of_lines: Decimal,
    coupon: Decimal,
    eaml: Decimal,
    usd: Decimal,
    owed: Decimal,
    taxable: Decimal,
) -> Line:
    return Line(kind, count, int(count_of_lines), coupon, eaml, usd, owed, rounded(taxable))


def _facts(since: datetime, until: datetime) -> dict[str, Any]:
    return {
        "since": since,
        "until": until,
        "first": _first_id_of(since),
        "end": _first_id_of(until),
        "spent_from": list(_SPENT_FROM),
        "charges": CHARGES,
        "tax": TAX_CHARGED,
        "reversal": REVERSAL,
        "payment": OperationKind.PAY_A_BILL.value,
    }


def _first_id_of(moment: datetime) -> UUID:
    """The smallest id that a journal of that moment can have."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
