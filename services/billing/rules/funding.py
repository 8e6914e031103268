"""Who pays with what: coupons, then tokens, then dollars, then debt; and how a hold becomes a charge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeVar
from uuid import UUID

from shared_models.money import Currency

ZERO = Decimal(0)
InUsd = Callable[[Decimal], Decimal]
Source = TypeVar("Source")
Sink = TypeVar("Sink")


class FreeLot(NamedTuple):
    """What is free of one activated coupon."""

    id: UUID
    free: Decimal


class Funds(NamedTuple):
    """What a person can spend now. `lots` come in the order they are spent: priority, expiry, id."""

    lots: Sequence[FreeLot]
    eaml: Decimal
    usd: Decimal


class Part(NamedTuple):
    """An amount taken from one source; `lot` names the coupon lot it comes from."""

    currency: Currency
    amount: Decimal
    lot: UUID | None = None


class Cover(NamedTuple):
    """How a price is paid: the parts, and the dollars that no funds cover."""

    parts: Sequence[Part]
    missing_usd: Decimal = ZERO


class Capture(NamedTuple):
    """What of a hold pays for the usage, and how much of the usage (in EAML) the hold did not reach."""

    parts: Sequence[Part]
    beyond_eaml: Decimal


def cover(price_eaml: Decimal, funds: Funds, in_usd: InUsd) -> Cover:
    """Pay a platform price: coupons at one EAML a COUPON, tokens, then dollars at the price list's rate."""
    parts, rest = _from_credit(price_eaml, funds)
    if not rest:
        return Cover(parts)
    due = in_usd(rest)
    paid = min(due, max(funds.usd, ZERO))
    if paid > 0:
        parts.append(Part(Currency.USD, paid))
    return Cover(parts, due - paid)


def capture(parts: Iterable[Part], *, held_eaml: Decimal, used_eaml: Decimal, in_usd: InUsd) -> Capture:
    """Take `used_eaml` out of a hold of `held_eaml`, in the order it was reserved; what is not taken goes back.

    The dollars of a hold stand for whatever its coupons and tokens leave of `held_eaml`.
    """
    taken: list[Part] = []
    left, uncovered = used_eaml, held_eaml
    for part in parts:
        worth = uncovered if part.currency == Currency.USD else part.amount
        used = min(left, worth)
        amount = min(in_usd(used), part.amount) if part.currency == Currency.USD else used
        if amount > 0:
            taken.append(Part(part.currency, amount, part.lot))
        left, uncovered = left - used, uncovered - worth
    return Capture(taken, left)


def after(funds: Funds, parts: Sequence[Part]) -> Funds:
    """What is left of `funds` once `parts` are taken."""
    if not parts:
        return funds
    lots = [FreeLot(lot.id, lot.free - sum((p.amount for p in parts if p.lot == lot.id), ZERO)) for lot in funds.lots]
    sums = totals(parts)
    return Funds(lots, funds.eaml - sums[Currency.EAML], funds.usd - sums[Currency.USD])


def totals(parts: Iterable[Part]) -> dict[Currency, Decimal]:
    """The sum of the parts in each currency, in the order in which they are spent."""
    sums = {Currency.COUPON: ZERO, Currency.EAML: ZERO, Currency.USD: ZERO}
    for part in parts:
        sums[part.currency] += part.amount
    return sums


def total(parts: Iterable[Part], currency: Currency) -> Decimal:
    """The sum of the parts in one currency."""
    return totals(parts)[currency]


def allocate(
    sources: Sequence[tuple[Source, Decimal]], sinks: Sequence[tuple[Sink, Decimal]]
) -> list[tuple[Source, Sink, Decimal]]:
    """Who pays whom when several pay several: in order, each pair once. Both sides must sum to the same."""
    if sum((amount for _, amount in sources), ZERO) != sum((amount for _, amount in sinks), ZERO):
        raise ValueError("what is paid and what is received differ")
    flows: list[tuple[Source, Sink, Decimal]] = []
    waiting = [(source, amount) for source, amount in sources if amount > 0]
    for sink, wanted in sinks:
        while wanted > 0:
            source, amount = waiting.pop(0)
            paid = min(amount, wanted)
            flows.append((source, sink, paid))
            wanted -= paid
            if amount > paid:
                waiting.insert(0, (source, amount - paid))
    return flows


def _from_credit(price_eaml: Decimal, funds: Funds) -> tuple[list[Part], Decimal]:
    parts: list[Part] = []
    rest = price_eaml
    for lot in funds.lots:
        used = min(rest, lot.free)
        if used > 0:
            parts.append(Part(Currency.COUPON, used, lot.id))
            rest -= used
    tokens = min(rest, max(funds.eaml, ZERO))
    if tokens > 0:
        parts.append(Part(Currency.EAML, tokens))
    return parts, rest - tokens
