"""What things cost and who can pay, by what billing published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from ml.models import Funds, Machine, PriceList, Work
from ml.rules.prices import (
    LEVELS,
    Available,
    NoPrices,
    Prices,
    Run,
    in_usd,
    pace_of,
    solving_price,
    solving_seconds,
    training_price,
    training_seconds,
)
from ml.rules.work import WorkState
from shared_models.events.billing import Paid
from shared_models.money import rounded

PLATFORM = "platform"
REMEMBERED_RUNS = 60


@dataclass(frozen=True, slots=True)
class Offer:
    """What a level costs and about how long it takes; `fixed` when the machine was trained at it already."""

    level: int
    price_eaml: Decimal
    price_usd: Decimal
    seconds: float
    is_affordable: bool


def prices() -> Prices:
    """The price list in force. Raises NoPrices before the first has arrived."""
    row = PriceList.objects.filter(list_name=PLATFORM).first()
    if row is None:
        raise NoPrices()
    return Prices(
        version=row.version,
        training_cell_eaml=row.training_cell_eaml,
        solving_line_eaml=row.solving_line_eaml,
        level_factors={level: Decimal(factor) for level, factor in row.level_factors.items()},
        usd_per_eaml=row.usd_per_eaml,
        marketplace_fee_basis_points=row.marketplace_fee_basis_points,
    )


def available(owner_id: UUID) -> Available:
    """What a person can spend; nothing for somebody billing has never spoken of."""
    row = Funds.objects.filter(pk=owner_id).first()
    if row is None:
        return Available()
    return Available(row.usd_available, row.eaml_available, row.coupon_available, row.credit_available)


def offers(machine: Machine) -> list[Offer]:
    """What each level that has a price costs to train this machine at."""
    known, have, runs = prices(), available(machine.owner_id), _runs("training")
    return [
        _offer(machine, level, known, have, pace_of(runs, level))
        for level in LEVELS
        if str(level) in known.level_factors and (not machine.is_trained or level == machine.machine_level)
    ]


def offer(machine: Machine, level: int) -> Offer:
    """What one level costs. Raises NoPrices."""
    return _offer(machine, level, prices(), available(machine.owner_id), pace_of(_runs("training"), level))


def _offer(machine: Machine, level: int, known: Prices, have: Available, pace: float) -> Offer:
    columns, lines = machine.mdc_columns_total_count, machine.learning_lines + machine.evaluation_lines
    eaml = training_price(known, columns=columns, lines=lines, level=level)
    covered = have.coupon + have.eaml >= eaml or in_usd(known, eaml - have.coupon - have.eaml) <= have.usd
    seconds = training_seconds(columns=columns, lines=lines, level=level, pace=pace)
    return Offer(level, eaml, in_usd(known, eaml), seconds, covered)


def solving_offer(lines: int) -> tuple[Decimal, float]:
    """(EAML, seconds) of solving a file of so many lines."""
    return solving_price(prices(), lines=lines), solving_seconds(lines=lines, pace=pace_of(_runs("solving")))


def usd_per_eaml() -> Decimal:
    """What an EAML costs in dollars now; nothing while billing has not published a price."""
    row = PriceList.objects.filter(list_name=PLATFORM).first()
    return row.usd_per_eaml if row else Decimal(0)


def worth_in_usd(parts: Sequence[Paid], rate: Decimal) -> Decimal:
    """What charged parts are worth in dollars at `rate` an EAML; a coupon credit counts as one EAML."""
    worth = [Decimal(part.amount) * (1 if part.currency == "USD" else rate) for part in parts]
    return rounded(sum(worth, Decimal(0)))


def _runs(kind: str) -> list[Run]:
    """What ran here lately in one go and to its end."""
    done = Work.objects.filter(
        kind=kind, state=WorkState.SUCCEEDED, attempts=1, spent_seconds=0, time_limit_seconds=None
    )
    return [_run(work) for work in done.order_by("-finished_at").only(*_OF_A_RUN)[:REMEMBERED_RUNS]]


_OF_A_RUN = ("kind", "level", "columns", "learning_lines", "evaluation_lines", "solving_lines", "real_seconds")


def _run(work: Work) -> Run:
    if work.is_work_solving:
        return Run(0, solving_seconds(lines=work.solving_lines), work.real_seconds or 0.0)
    expected = training_seconds(columns=work.columns, lines=work.line_count, level=work.level)
    return Run(work.level, expected, work.real_seconds or 0.0)
