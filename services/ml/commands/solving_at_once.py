"""A few rows solved on the event loop by what this process remembers, while the statement runs that proves it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock
from time import thread_time
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async

from ml import drifting, limits
from ml.commands.solving import METER, Answered, Order, checked_rows, metering_of, price_of
from ml.models import Machine
from ml.publishes import Metering
from ml.queries.solving import ToSolve
from ml.rules.prices import Enough, enough
from ml.sessions import warm_solver_of
from service_base.callers import Caller
from service_base.errors import BadInput, FundsShort
from service_base.reading import write_during
from service_base.standing import Standing
from shared_models.clock import utc_now

if TYPE_CHECKING:
    from ml.learning.solver import Solver

R = TypeVar("R")

# More rows, and models that take longer, are solved on a thread: other requests wait for the loop.
MOST_ROWS = 8
MOST_SECONDS = 0.002
# What was left to a thread counts for less each time, until it is tried again.
FORGETTING = 0.99
MOST_REMEMBERED = 2048
# Nothing is written, and no row answered, once the decision does not stand.
_METER = f"{METER} WHERE solving_stands({', '.join(['%s'] * 10)})"


@dataclass(frozen=True, slots=True)
class _Offer:
    """What so many lines cost, the proof that she may have them, and how their usage is told."""

    eaml: Decimal
    usd: Decimal
    proof: list[str | None]
    metering: Metering


@dataclass(slots=True)
class Decision:
    """That a caller may solve with a machine, by which way and at which prices, and what all that hangs on."""

    machine: Machine
    order: Order
    standing: Standing
    machine_seen: str
    prices_seen: str | None
    # What solving takes of late.
    seconds: float = 0.0
    offers: dict[int, _Offer] = field(default_factory=dict)

    def offer(self, lines: int) -> _Offer:
        """Raises FundsShort."""
        if lines not in self.offers:
            eaml, usd = price_of(self.machine, self.order, lines)
            needed = enough(self.order.prices, self.order.available, eaml=eaml, usd=usd)
            metering = metering_of(self.machine, self.order, lines)
            self.offers[lines] = _Offer(eaml, usd, _proof(self, needed), metering)
        return self.offers[lines]


_decisions: OrderedDict[tuple[Standing, UUID], Decision] = OrderedDict()
_lock = Lock()


def remember_decision(caller: Caller, found: ToSolve, order: Order) -> None:
    """The caller's next request for this machine may be answered by what was found for this one."""
    if caller.standing is None:
        return
    key = (caller.standing, found.machine.pk)
    decision = Decision(found.machine, order, caller.standing, found.machine_seen, found.prices_seen)
    with _lock:
        if (before := _decisions.get(key)) is not None:
            decision.seconds = before.seconds
        _decisions[key] = decision
        while len(_decisions) > MOST_REMEMBERED:
            _decisions.popitem(last=False)


async def solve_at_once(
    *,
    caller: Caller,
    machine_id: UUID,
    rows: Sequence[Mapping[str, Any]],
    usage_id: UUID,
    show: Callable[[Machine, Order, Answered], R],
) -> R | None:
    """The answers as `show` makes them, metered, if what is remembered still holds; None to look at the request anew.

    None says nothing about the request: whether it is refused, and why, is decided by what is true now. What fails to
    be solved or shown is not metered. Raises TooFast.
    """
    decision = _decisions.get((caller.standing, machine_id)) if caller.standing else None
    solver = warm_solver_of(decision.machine) if decision else None
    if decision is None or solver is None or not 1 <= len(rows) <= MOST_ROWS or _takes_long(decision):
        return None
    try:
        offer = decision.offer(len(rows))
        rows = checked_rows(solver, rows)
    except (BadInput, FundsShort):
        return None
    await _must_not_hurry(decision, len(rows))

    def answer() -> R:
        results = _solve(decision, solver, rows)
        return show(decision.machine, decision.order, Answered(usage_id, results, offer.eaml, offer.usd))

    usage = offer.metering.usage(usage_id, utc_now())
    # PostgreSQL is at work while the rows are solved; what it wrote is committed once they are, and only then shown.
    stands, answered = await write_during(answer, _METER, [*usage, *offer.proof])
    if not stands:
        _forget(decision)
        return None
    drifting.note_few_rows(decision.machine, solver, rows)
    return answered


def _forget(decision: Decision) -> None:
    with _lock:
        _decisions.pop((decision.standing, decision.machine.pk), None)


async def _must_not_hurry(decision: Decision, lines: int) -> None:
    whose = (decision.order.caller_id, decision.machine.pk)
    if not limits.spend(whose, limits.tokens_of(lines)):
        await sync_to_async(limits.must_not_hurry)(*whose, lines)


def _takes_long(decision: Decision) -> bool:
    takes_long = decision.seconds > MOST_SECONDS
    if takes_long:
        decision.seconds *= FORGETTING
    return takes_long


def _solve(decision: Decision, solver: Solver, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    began = thread_time()
    results = [solved.to_json() for solved in solver.solve(rows)]
    decision.seconds += (thread_time() - began - decision.seconds) / 4
    return results


def _proof(decision: Decision, needed: Enough) -> list[str | None]:
    """What SQL's `solving_stands` compares, in its order."""
    standing, order = decision.standing, decision.order
    caller = [str(standing.user_id), standing.kid, standing.key_hash, standing.seen]
    machine = [str(decision.machine.pk), decision.machine_seen, decision.prices_seen]
    return [*caller, *machine, str(order.payer_id), str(needed.tokens), str(needed.dollars)]
