"""Row j of the fault table: told otherwise, told before its time, told after the books were closed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from harness.ledger import EXACT, LedgerWorld
from harness.ledger_events import EAML_A_LINE, Script
from harness.report import Report
from psycopg import sql

from shared_models.clock import utc_now
from shared_models.ids import new_id

USAGES = 300


def contradict(world: LedgerWorld, *without: str) -> int:
    """A usage is told, and later again under its key with more lines; how many events were set aside."""
    first = world.script(USAGES)
    told = world.people[1]
    once = first.solved(told, lines=1000)
    world.due |= first.due
    otherwise = once.model_copy(update={"lines": 9000})
    first.told += [(new_id(), once), (new_id(), otherwise)]
    world.start("worker", without=without)
    world.tell(first)
    world.until(world.drained, 150)
    return world.parked()


def test_the_same_usage_told_with_other_figures_is_set_aside_and_changes_nothing(
    ledger_world: LedgerWorld, report: Report
) -> None:
    parked = contradict(ledger_world)
    verdict = ledger_world.verdict()
    report.say("j", "charged as first told, the other set aside", **vars(verdict), parked=parked)
    assert (verdict.lost, verdict.doubled, verdict.revenue_off) == (0, 0, "0")
    assert "UsageContradicted" in str(verdict.difference)
    assert parked == 1


def test_without_the_digest_a_contradiction_goes_unseen(ledger_world: LedgerWorld, report: Report) -> None:
    """The control: nobody is told that two figures are in the world."""
    parked = contradict(ledger_world, "digest")
    report.say("j", "a contradiction that nobody sees is found", control=True, parked=parked)
    assert parked == 0


def close_the_books(world: LedgerWorld, *without: str) -> None:
    """Usage of yesterday comes after the books were closed an hour ago."""
    yesterday = utc_now() - timedelta(days=1)
    with psycopg.connect(world.database_url) as connection:
        until = sql.Literal((utc_now() - timedelta(hours=1)).isoformat())
        connection.execute(sql.SQL("SELECT ledger_close_period({}::timestamptz, NULL)").format(until))
    late = Script(world.people, seed=3, at=lambda: yesterday).write(USAGES)
    world.due |= late.due
    world.start("worker", without=without, tune=PATIENT if without else [])
    world.tell(late)
    world.tell(world.script(USAGES, seed=4))
    world.until(world.drained)


# A breaker that lets a control do its damage.
PATIENT = ["event_bus.breaker.CONSECUTIVE=100000", "event_bus.breaker.WORST_SHARE=2"]
LATE = "SELECT count(*) FROM journal WHERE source = 'ml' AND details ? 'happened_at'"


def test_what_comes_after_the_books_were_closed_is_charged_in_the_open_period(
    ledger_world: LedgerWorld, report: Report
) -> None:
    close_the_books(ledger_world)
    verdict, late = ledger_world.verdict(), ledger_world.number(LATE)
    report.say("j", f"{late} late usages charged, and they say when they happened", **vars(verdict), late=late)
    assert verdict == EXACT
    assert late >= USAGES * 0.7
    assert ledger_world.parked() == 0


def test_without_looking_at_the_closing_late_usage_is_refused_by_the_database(
    ledger_world: LedgerWorld, report: Report
) -> None:
    """The control: nothing gets into the closed period even then, but what was used is not charged."""
    close_the_books(ledger_world, "lateness")
    verdict, parked = ledger_world.verdict(), ledger_world.parked()
    report.say("j", f"{verdict.lost} charges that are missing are found", control=True, **vars(verdict), parked=parked)
    assert verdict.lost > 0
    assert "parked" in str(verdict.difference)
    assert ledger_world.number(LATE) == 0


def refunds(world: LedgerWorld) -> list[Decimal]:
    """What each payment's refunds took back."""
    with psycopg.connect(world.database_url) as connection:
        return [row[0] for row in connection.execute("SELECT refunded FROM payment ORDER BY id").fetchall()]


def tell_payment(world: LedgerWorld, order: str, *without: str) -> int:
    """A provider tells a charge and a refund in that order, each until it is taken; how often one was refused.

    Each is told in a process of its own, as if the one before had been killed.
    """
    owner, refused = str(world.people[1]), 0
    world.run("harness.ledger_payment", owner, "begin")
    waiting = ["refund", "charge"] if order == "refund first" else ["charge", "refund"]
    while waiting:
        step = waiting.pop(0)
        if "refused" in world.run("harness.ledger_payment", owner, step, *without):
            refused += 1
            waiting.append(step)
    return refused


@pytest.mark.parametrize("order", ["refund first", "charge first"])
def test_a_refund_told_before_its_charge_waits_for_it(ledger_world: LedgerWorld, report: Report, order: str) -> None:
    """The provider tells in any order and again until it is taken, and then once more."""
    refused = tell_payment(ledger_world, order)
    for step in ("refund", "charge"):
        ledger_world.run("harness.ledger_payment", str(ledger_world.people[1]), step)
    verdict = ledger_world.verdict()
    report.say("j", f"{order}: refused {refused} times, refunded once", **vars(verdict), refused=refused)
    assert verdict == EXACT
    assert refunds(ledger_world) == [Decimal(4)]
    assert refused == (1 if order == "refund first" else 0)


def test_without_its_waiting_a_refund_told_too_early_is_never_given_back(
    ledger_world: LedgerWorld, report: Report
) -> None:
    """The control: what was taken is not told again, and she keeps what her bank has back already."""
    refused = tell_payment(ledger_world, "refund first", "waiting")
    found = refunds(ledger_world)
    report.say("j", "a refund that is missing is found", control=True, refused=refused, refunded=int(found[0]))
    assert refused == 0
    assert found == [Decimal(0)]


def test_usage_is_charged_once_whatever_is_free_of_it(ledger_world: LedgerWorld) -> None:
    """What the script calls due is what one usage costs: the oracle of these tests can fail."""
    script = Script(ledger_world.people)
    assert script.solved(ledger_world.people[0], lines=500).lines * EAML_A_LINE == next(iter(script.due.values()))
