"""Solving rows: the answer, its usage event and the count of lines come together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection

from ml import drifting, publishes
from ml.commands.machines import NotTrained
from ml.limits import must_not_hurry
from ml.models import Machine
from ml.rules.access import Channel
from ml.rules.columns import check_columns, check_row
from ml.rules.prices import Available, Prices, must_cover, solving_price
from ml.sessions import solver_of
from service_base.errors import BadInput
from shared_models.clock import utc_now
from shared_models.money import rounded

if TYPE_CHECKING:
    from ml.learning.solver import SolvedColumns, Solver

MOST_ROWS = 1000
METER = f"SELECT meter_solving({', '.join(['%s'] * 12)})"


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants rows solved, by which way, and what she can spend."""

    caller_id: UUID
    payer_id: UUID
    channel: Channel
    prices: Prices
    available: Available


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers, and what they cost."""

    usage_id: UUID
    results: list[dict[str, Any]]
    price_eaml: Decimal
    price_usd: Decimal


@dataclass(frozen=True, slots=True)
class AnsweredTable:
    """The same column by column, as a file of answers has it, with the remarks on each row."""

    usage_id: UUID
    columns: dict[str, list[Any]]
    lines: int
    price_eaml: Decimal
    price_usd: Decimal


def solve_rows(
    *,
    machine: Machine,
    order: Order,
    rows: Sequence[Mapping[str, Any]],
    usage_id: UUID,
    decimal: str = "",
    now: datetime | None = None,
    most: int = MOST_ROWS,
) -> Answered:
    """Answer `rows` in their order; one usage event says so, under `usage_id` for ever.

    `decimal` is the sign that their numbers are written with, where it is known not to be the learnt table's.
    Raises BadInput naming an unknown or missing column, FundsShort, NotTrained, Unavailable, TooFast.
    """
    check_row_count(rows, most=most)
    eaml, usd, solver = _begin(machine, order, len(rows), decimal)
    rows = checked_rows(solver, rows)
    results = [solved.to_json() for solved in solver.solve(rows)]
    _meter(machine, order, usage_id, len(rows), now or utc_now())
    drifting.note_rows(machine, solver, rows)
    return Answered(usage_id, results, eaml, usd)


def solve_table(
    *,
    machine: Machine,
    order: Order,
    columns: Mapping[str, Sequence[Any]],
    lines: int,
    usage_id: UUID,
    decimal: str = "",
    now: datetime | None = None,
) -> AnsweredTable:
    """The same for rows given column by column, answered so too. Raises what `solve_rows` does."""
    eaml, usd, solver = _begin(machine, order, lines, decimal)
    whole = solver.whole_columns(columns)
    check_columns(whole, needed=solver.encoder.input_columns, known=solver.encoder.known_columns)
    found = solver.solve_columns(whole, lines)
    _meter(machine, order, usage_id, lines, now or utc_now())
    drifting.note_columns(machine, solver, whole)
    return AnsweredTable(usage_id, _answers(found, lines), lines, eaml, usd)


def check_row_count(rows: Sequence[object], *, most: int = MOST_ROWS) -> None:
    """Raises BadInput for none or too many."""
    if not 1 <= len(rows) <= most:
        raise BadInput(f"Send 1 to {most} rows at a time; for more, solve a file.", field="rows")


def checked_rows(solver: Solver, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The rows as the solver takes them. Raises BadInput naming an unknown or missing column."""
    encoder = solver.encoder
    rows = solver.whole_rows(rows)
    for place, row in enumerate(rows):
        check_row(row, place=place, needed=encoder.input_columns, known=encoder.known_columns)
    return rows


def _answers(found: SolvedColumns, lines: int) -> dict[str, list[Any]]:
    from ml.learning.answers_file import answer_columns

    columns = {name: values.tolist() for name, values in answer_columns(found).items()}
    return columns | {"warnings": ["; ".join(found.remarks.of(i)) for i in range(lines)]}


def _begin(machine: Machine, order: Order, lines: int, decimal: str) -> tuple[Decimal, Decimal, Solver]:
    """What so many lines cost in EAML and in dollars, and the model that answers them."""
    if machine.training_nn_model is None:
        raise NotTrained("Train the machine first; until then it has no answers.")
    eaml, usd = price_of(machine, order, lines)
    must_not_hurry(order.caller_id, machine.pk, lines)
    return eaml, usd, solver_of(machine).reading(decimal)


def price_of(machine: Machine, order: Order, lines: int) -> tuple[Decimal, Decimal]:
    """(EAML for the platform, USD for the machine's owner) of so many lines. Raises FundsShort."""
    eaml = solving_price(order.prices, lines=lines)
    market = order.channel is Channel.MARKET
    usd = rounded(machine.machine_api_solving_price_usd * lines) if market else Decimal(0)
    must_cover(order.prices, order.available, eaml=eaml, usd=usd)
    return eaml, usd


def metering_of(machine: Machine, order: Order, lines: int) -> publishes.Metering:
    """What SQL's `meter_solving` is given of each time that so many lines are solved."""
    return publishes.Metering(
        machine,
        caller_id=order.caller_id,
        payer_id=order.payer_id,
        channel=order.channel.value,
        lines=lines,
        market_price_usd=machine.machine_api_solving_price_usd if order.channel is Channel.MARKET else None,
    )


def _meter(machine: Machine, order: Order, usage_id: UUID, lines: int, at: datetime) -> None:
    """The usage event, its listing and the count of lines: all or none, before anybody sees an answer."""
    with connection.cursor() as cursor:
        cursor.execute(METER, metering_of(machine, order, lines).usage(usage_id, at))
