"""Any sequence of all that moves money leaves a ledger that holds, and agrees with an oracle after every step."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from billing.commands import book, usage
from billing.tests.machine import Ledger
from shared_models.ids import new_id

# `make test` tries a dozen short sequences; TITAN_LONG_TESTS says how many others, which `--hypothesis-seed` chooses:
# `.ci/run` tries two thousand, half of them on each of two cores.
LONG = int(os.environ.get("TITAN_LONG_TESTS", "0"))
PROFILE: dict[str, Any] = {"max_examples": LONG or 12, "stateful_step_count": 20, "derandomize": not LONG}


def _settings(**profile: Any) -> settings:
    return settings(deadline=None, suppress_health_check=list(HealthCheck), database=None, **profile)


@pytest.mark.timeout(0 if LONG else 300)
def test_any_sequence_leaves_a_ledger_that_holds(db: None) -> None:
    run_state_machine_as_test(Ledger, settings=_settings(**PROFILE))


def test_without_its_key_a_usage_told_again_is_found_at_the_next_step(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what the machine compares after every step does see a charge that was made twice."""
    monkeypatch.setattr(book.Book, "posted_before", lambda self, *causes: {})
    monkeypatch.setattr(book, "dated_id", lambda at, *parts: new_id())
    monkeypatch.setattr(usage, "dated_id", lambda at, *parts: new_id())
    ledger = Ledger()
    try:
        charge = ledger.solve(who=0, lines=3, hours=0)
        ledger.the_oracle_agrees()
        ledger.tell_again(charge=charge, same_id=False)
        # The database still takes no second journal; what is left of the missing guard is an event set aside.
        with pytest.raises(AssertionError, match="no usage event is set aside"):
            ledger.the_ledger_holds()
    finally:
        with pytest.raises(AssertionError, match="no usage event is set aside"):
            ledger.teardown()
