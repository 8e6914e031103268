"""Finds strategies that look ahead: a truncated history must give the decisions of the whole one."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from trading.rules.candles import Candle
from trading.rules.orders import Order

Decisions = Callable[[Sequence[Candle]], Iterable[Order]]


class Leak(NamedTuple):
    """An order that differs once the candles after `cut` are taken away."""

    cut: int
    order_id: UUID
    with_future: str
    without_future: str


def find_lookahead(candles: Sequence[Candle], decide: Decisions, cuts: Iterable[int]) -> Leak | None:
    """Replay histories cut after `cuts` candles; the first order that the missing future changes, or None.

    `decide` runs a fresh strategy over the candles it is given, without ending the run.
    """
    whole = _by_id(decide(candles))
    for cut in cuts:
        seen = candles[:cut]
        if not seen:
            continue
        end = seen[-1].time
        expected = {key: order for key, order in whole.items() if order.decided_at <= end}
        found = _by_id(decide(seen))
        for key in sorted(expected.keys() | found.keys(), key=str):
            with_future, without = _decision(expected.get(key)), _decision(found.get(key))
            if with_future != without:
                return Leak(cut, key, with_future, without)
    return None


def _by_id(orders: Iterable[Order]) -> dict[UUID, Order]:
    return {order.id: order for order in orders}


def _decision(order: Order | None) -> str:
    """What was decided, without what the next candle made of it."""
    if order is None:
        return "no order"
    return f"{order.decided_at} {order.side} {order.purpose} {order.note}"
