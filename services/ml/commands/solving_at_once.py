"""A few rows solved on the event loop by what this process remembers; the statement that meters them proves it."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock
from time import thread_time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from asgiref.sync import sync_to_async

from ml import drifting, limits
from ml.commands.solving import Answered, Order, checked_rows, price_of, usage_of
from ml.models import Machine
from ml.queries.solving import ToSolve
from ml.rules.prices import Enough, enough
from ml.sessions import warm_solver_of
from service_base.callers import Caller
from service_base.errors import BadInput, FundsShort
from service_base.reading import write
from service_base.standing import Standing
from shared_models.clock import utc_now

if TYPE_CHECKING:
    from ml.learning.solver import Solver

# More rows, and models that take longer, are solved on a thread: other requests wait for the loop.
MOST_ROWS = 8
MOST_SECONDS = 0.002
# What was left to a thread counts for less each time, until it is tried again.
FORGETTING = 0.99
MOST_REMEMBERED = 2048
# Nothing is written, and no row answered, once the decision does not stand.
_METER = "SELECT meter_solving(%s) WHERE solving_stands(%s)"


@dataclass(frozen=True, slots=True)
class _Offer:
    """What so many lines cost, and the proof that she may have them."""

    eaml: Decimal
    usd: Decimal
    proof: str


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
            self.offers[lines] = _Offer(eaml, usd, _proof(self, needed))
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
    *, caller: Caller, machine_id: UUID, rows: Sequence[Mapping[str, Any]], usage_id: UUID
) -> tuple[Decision, Answered] | None:
    """The answers, metered, if what is remembered still holds; None where the request has to be looked at anew.

    None says nothing about the request: whether it is refused, and why, is decided by what is true now. Raises TooFast.
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
    results = _solve(decision, solver, rows)
    usage = usage_of(decision.machine, decision.order, usage_id, len(rows), utc_now())
    if not await write(_METER, [usage, offer.proof]):
        with _lock:
            _decisions.pop((decision.standing, machine_id), None)
        return None
    drifting.note_rows(decision.machine, solver, rows)
    return decision, Answered(usage_id, results, offer.eaml, offer.usd)


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


def _proof(decision: Decision, needed: Enough) -> str:
    """What SQL's `solving_stands` compares."""
    standing = decision.standing
    return json.dumps(
        {
            "caller_id": str(standing.user_id),
            "kid": standing.kid,
            "key_hash": standing.key_hash,
            "caller_seen": standing.seen,
            "machine_id": str(decision.machine.pk),
            "machine_seen": decision.machine_seen,
            "prices_seen": decision.prices_seen,
            "payer_id": str(decision.order.payer_id),
            "tokens": str(needed.tokens),
            "dollars": str(needed.dollars),
        }
    )
