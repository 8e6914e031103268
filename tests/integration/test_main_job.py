"""The main job on a real stack: through a real broker and real databases, again on the same data, and after kill -9."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import psutil
import pytest

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def report(own_stack):
    return own_stack.demo()


def test_every_check_of_the_demo_holds(report):
    assert {check["name"]: check["detail"] for check in report["checks"] if not check["ok"]} == {}
    assert report["ok"] is True


def test_the_table_machine_beats_a_constant_and_a_linear_model(report):
    scores = report["machines"][0]["scores"]
    assert scores
    assert all(score["beats_constant"] and score["beats_linear"] for score in scores)


def test_every_charge_on_the_report_names_its_cause(report):
    usage = [charge for charge in report["charges"] if charge["kind"] != "credit_from_user"]
    assert usage
    assert [charge for charge in usage if not charge["why"] or len(charge["cause"]) != 1] == []


def test_what_was_published_was_consumed_and_nothing_is_parked(report):
    assert report["events"]["parked"] == 0
    assert report["events"]["published"] > 50
    assert report["events"]["consumed"] > 50


def test_ledger_and_audit_verify_from_the_command_line(own_stack, report):
    assert json.loads(own_stack.must("ledger", "verify", "--json"))["ok"] is True
    assert json.loads(own_stack.must("audit", "verify", "--json"))["ok"] is True


def test_the_stack_stays_within_its_memory_at_rest(own_stack, report):
    # A retraining that the main job set off may still be at work: it is a process of its own, and it ends.
    for services in _memory_of_services(own_stack, seconds=180):
        if sum(services.values()) < 1.2 * 2**30:
            return
    pytest.fail(f"{sum(services.values()) / 2**20:.0f} MiB: {services}")


def test_a_second_run_works_on_the_same_data(own_stack, report):
    again = own_stack.demo()
    assert again["ok"] is True
    assert [m["id"] for m in again["machines"]] == [m["id"] for m in report["machines"]]


def test_after_kill_9_of_everything_it_starts_and_works_again(own_stack, report):
    mine = [p for p in psutil.process_iter(["environ"]) if _belongs(p, own_stack)]
    assert len(mine) > 10
    for process in mine:
        process.kill()
    psutil.wait_procs(mine, timeout=20)
    time.sleep(0.5)
    own_stack.up()
    assert own_stack.demo()["ok"] is True


def _memory_of_services(stack, seconds: float) -> Iterator[dict[str, int]]:
    """What each service's processes hold, in bytes, told again and again for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        status = json.loads(stack.must("status", "--json"))
        yield {name: service["rss_bytes"] for name, service in status["services"].items()}
        time.sleep(2)


def _belongs(process: psutil.Process, stack) -> bool:
    return (process.info["environ"] or {}).get("TITAN_DATA_DIR") == str(stack.data_dir)
