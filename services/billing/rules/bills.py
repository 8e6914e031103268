"""What a bill is made of: lines, a tax rounded once, and what is due; and which months are to be billed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext

from billing.rules.kinds import CONTRACT_FINISHED, REVERSAL, USAGE_KINDS, label_of
from shared_models.money import rounded

ZERO = Decimal(0)
CENT = Decimal("0.01")
BASIS_POINTS = 10_000
# A bill's number as it is written.
NUMBER = re.compile(r"(?P<year>\d{4})-0*(?P<number>[1-9]\d{0,8})", re.ASCII)
# How long a bill may stay unpaid before it is called overdue.
PAYMENT_TERM = timedelta(days=14)
# A month's bills wait this long for events that come late; what comes later still is on the next bill.
GRACE = timedelta(days=1)

# What people pay for. A reversal of one of these is a line too, and so is every other movement of what is owed.
CHARGES = [*USAGE_KINDS, CONTRACT_FINISHED]


@dataclass(frozen=True, slots=True)
class Line:
    """What one kind of movement came to: what coupons, tokens and dollars paid, and what stayed owed.

    `taxable_usd` is what of it the platform itself sold for money; `tax_usd` is the line's part of the bill's tax.
    """

    kind: str
    count: int = 0
    count_of_lines: int = 0
    coupon: Decimal = ZERO
    eaml: Decimal = ZERO
    usd: Decimal = ZERO
    owed_usd: Decimal = ZERO
    taxable_usd: Decimal = ZERO
    tax_usd: Decimal = ZERO

    @property
    def label(self) -> str:
        """The kind as people read it."""
        return label_of(self.kind)

    @property
    def is_nothing(self) -> bool:
        """Whether no money of any kind is in it."""
        return not any((self.coupon, self.eaml, self.usd, self.owed_usd, self.taxable_usd))


@dataclass(frozen=True, slots=True)
class Draft:
    """A bill as it would be: what was owed before, the lines, the tax, what was paid of the debt meanwhile."""

    brought_forward_usd: Decimal
    lines: Sequence[Line]
    paid_usd: Decimal
    tax_basis_points: int
    tax_usd: Decimal

    @property
    def owed_usd(self) -> Decimal:
        """What the lines left owed."""
        return sum((line.owed_usd for line in self.lines), ZERO)

    @property
    def taxable_usd(self) -> Decimal:
        """What the tax is on; below zero where more was taken back than sold, which the next bill starts from."""
        return sum((line.taxable_usd for line in self.lines), ZERO)

    def due_usd(self, tax_owed_usd: Decimal) -> Decimal:
        """What is to be paid, when `tax_owed_usd` of the tax is not paid from the wallet."""
        return self.brought_forward_usd + self.owed_usd - self.paid_usd + tax_owed_usd


def draft(
    lines: Sequence[Line],
    *,
    brought_forward_usd: Decimal,
    taxable_before_usd: Decimal,
    paid_usd: Decimal,
    tax_basis_points: int,
) -> Draft:
    """Work a bill out. A negative tax base of the bill before lowers this one's, as part of its reversals."""
    known = [line for line in lines if not line.is_nothing]
    if known and taxable_before_usd < 0:
        known = _with_taken_back(known, taxable_before_usd)
    tax, parts = taxed([line.taxable_usd for line in known], tax_basis_points)
    return Draft(
        brought_forward_usd=brought_forward_usd,
        lines=[replace(line, tax_usd=part) for line, part in zip(known, parts, strict=True)],
        paid_usd=paid_usd,
        tax_basis_points=tax_basis_points,
        tax_usd=tax,
    )


def taxed(bases: Sequence[Decimal], basis_points: int) -> tuple[Decimal, list[Decimal]]:
    """The tax on the sum of `bases`, in whole cents, and its part for each of them.

    It is rounded once, on the sum, half to even. Each part is its share rounded down to a cent; the cents that are
    then missing go to the parts that lost most by that, the earlier first on a tie: the parts sum to the tax.
    """
    with localcontext() as context:
        context.prec = 60
        shares = [base * basis_points / BASIS_POINTS for base in bases]
        tax = sum(shares, ZERO).quantize(CENT, rounding=ROUND_HALF_EVEN)
        if tax <= 0:
            return ZERO, [ZERO] * len(shares)
        parts = [share.quantize(CENT, rounding=ROUND_FLOOR) for share in shares]
        left = int((tax - sum(parts)) / CENT)
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - shares[i], i))
    for i in order[:left]:
        parts[i] += CENT
    return tax, parts


def month_of(moment: datetime) -> datetime:
    """The first moment of the month that `moment` lies in, in UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def months_to_bill(*, since: datetime, now: datetime) -> Iterator[datetime]:
    """The ends of the months after `since` whose bills are due, oldest first."""
    end = month_of(month_of(since) + timedelta(days=32))
    while end + GRACE <= now:
        yield end
        end = month_of(end + timedelta(days=32))


def whole_second(moment: datetime) -> datetime:
    """Where a period may end: journals' ids know milliseconds only, so an end between two of them would cut through."""
    return moment.astimezone(UTC).replace(microsecond=0)


def number_of(year: int, number: int) -> str:
    """A bill's number as it is written, such as `2026-000017`."""
    return f"{year}-{number:06}"


def _with_taken_back(lines: Sequence[Line], taxable_usd: Decimal) -> list[Line]:
    found = [line for line in lines if line.kind == REVERSAL] or [Line(REVERSAL)]
    lowered = replace(found[0], taxable_usd=rounded(found[0].taxable_usd + taxable_usd))
    return [line for line in lines if line.kind != REVERSAL] + [lowered]
