"""Row j of the fault table, too: what was said and never arrived is found by its id, all else being in balance."""

from __future__ import annotations

import json
from typing import Any

from harness import failpoints
from harness.ledger import LedgerWorld
from harness.ledger_counts import counts_of
from harness.ledger_events import Script
from harness.report import Report

USAGES = 800
NAME = "usage that was said is charged"


def compared(world: LedgerWorld) -> tuple[dict[str, Any], dict[str, Any]]:
    """The verdict, and its finding about completeness."""
    verdict = json.loads(world.run("harness.ledger_counts").strip().splitlines()[-1])
    return verdict, next(check for check in verdict["checks"] if check["name"] == NAME)


def told_in_full(world: LedgerWorld) -> Script:
    """A script for a worker that is killed at each step of a batch, and ml's counts of it."""
    script = world.script(USAGES)
    plans = [f"{step}:{moment}:2:kill" for step in failpoints.LEDGER for moment in ("before", "after")]
    world.keep("worker", at=plans)
    script.told += counts_of(script.told)
    return script


def test_after_kills_and_repetitions_all_that_was_said_is_charged_by_number_lines_and_digest(
    ledger_world: LedgerWorld, report: Report
) -> None:
    script = told_in_full(ledger_world)
    ledger_world.tell(script)
    ledger_world.until(ledger_world.drained, 150)
    verdict, finding = compared(ledger_world)
    figures = verdict["completeness"]
    report.say("j", "what was said is what was charged, to the digest", **figures, kills=ledger_world.killed)
    assert verdict["ok"], verdict["first_difference"]
    assert figures["said"] == figures["charged"] == finding["rows"] > USAGES * 0.8
    assert figures["missing"] == figures["on_the_way"] == 0
    assert ledger_world.killed > 0


def test_an_event_that_the_broker_lost_is_named(ledger_world: LedgerWorld, report: Report) -> None:
    """The control: everything else in the ledger agrees, since nothing that arrived is wrong."""
    script = told_in_full(ledger_world)
    lost, event = next((id_, event) for id_, event in script.told if event.TYPE == "titan.ml.solving.completed.v1")
    script.told = [(id_, one) for id_, one in script.told if id_ != lost]
    ledger_world.tell(script)
    ledger_world.until(ledger_world.drained, 150)
    verdict, finding = compared(ledger_world)
    report.say("j", "the one event that was lost is named", control=True, **verdict["completeness"])
    assert f"never arrived, {lost}" in finding["detail"], event
    assert [check["name"] for check in verdict["checks"] if not check["ok"]] == [NAME]
