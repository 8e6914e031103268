"""Verdicts are kept: by whom, how long it took, what was found; operators read them and ask for another."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from typer.testing import CliRunner

from billing import commands
from billing.cli import app
from billing.models import Balance, Verification
from billing.tests.test_pages import page
from billing.tests.world import Person, World
from shared_models.clock import utc_now


@pytest.fixture
def operator() -> Person:
    return Person()


def test_an_operator_verifies_and_everybody_sees_who_it_was(browser: Any, world: World, operator: Person) -> None:
    client = browser(operator, staff=True)
    assert "Not verified yet" in page(client, "/verify")

    assert client.post("/verify")["location"] == "/verify"
    text = page(client, "/verify")
    assert "The ledger holds" in text
    assert "by Ana" in text
    kept = Verification.objects.get()
    assert (kept.by_id, kept.asked_by, kept.is_ok) == (operator.id, "operator", True)
    assert f"?id={kept.pk}" in text


def test_each_check_is_shown_with_its_rows_and_its_time(browser: Any, ana: Person, operator: Person) -> None:
    client = browser(operator, staff=True)
    client.post("/verify")
    text = page(client, "/verify")
    verdict = Verification.objects.get().verdict
    assert all(check["name"] in text and check["milliseconds"] >= 0 for check in verdict["checks"])
    assert next(check for check in verdict["checks"] if check["name"] == "floors hold")["rows"] >= 7


def test_an_earlier_verdict_can_be_read_and_one_that_is_not_there_is_not_found(
    browser: Any, world: World, operator: Person
) -> None:
    client = browser(operator, staff=True)
    first = commands.verify_ledger(asked_by="schedule")
    commands.verify_ledger(asked_by="command line")
    assert "by command line" in page(client, "/verify")
    assert "by schedule" in page(client, f"/verify?id={first.pk}")
    page(client, f"/verify?id={operator.id}", status=404)


def test_only_operators_see_verdicts_and_ask_for_one(browser: Any, api: Any, ana: Person, operator: Person) -> None:
    assert browser(ana).get("/verify").status_code == 403
    assert browser(ana).post("/verify").status_code == 403
    assert api(ana).post("/api/v1/ledger/verifications").status_code == 403
    assert api(ana).get("/api/v1/ledger/verifications").status_code == 403
    assert not Verification.objects.exists()

    client = api(operator, staff=True)
    made = client.post("/api/v1/ledger/verifications")
    assert (made.status_code, made.json()["ok"], made.json()["by"]) == (201, True, str(operator.id))
    assert client.get("/api/v1/ledger/verifications").json()["items"] == [made.json()]


def test_a_verdict_once_written_stays(world: World) -> None:
    commands.verify_ledger(asked_by="schedule")
    for attack in ("UPDATE verification SET is_ok = true", "DELETE FROM verification", "TRUNCATE verification"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(attack)
    assert Verification.objects.count() == 1


@pytest.mark.owner
def test_the_command_keeps_its_verdict_and_says_how_much_it_looked_at(ana: Person) -> None:
    outcome = CliRunner().invoke(app, ["verify"])
    assert "balances equal their postings: each balance is the sum of its account's postings (" in outcome.stdout
    assert " rows, " in outcome.stdout
    Balance.objects.filter(pk=ana.usd.id).update(posted=1000)
    assert CliRunner().invoke(app, ["verify", "--json"]).exit_code == 1
    newest, before = Verification.objects.all()
    assert (newest.is_ok, before.is_ok) == (False, True)
    assert newest.first_difference.startswith("each currency sums to zero")
    assert json.loads(json.dumps(newest.verdict))["ok"] is False


def test_it_is_verified_a_day_after_the_last_time(ana: Person) -> None:
    now = utc_now()
    assert commands.verify_daily(now=now) is None
    made = commands.verify_daily(now=now + timedelta(days=1))
    assert made is not None
    assert made.asked_by == "schedule"
    assert commands.verify_daily(now=now + timedelta(hours=20)) is None


def test_a_ledger_in_which_nothing_happened_is_not_verified_by_itself(world: World) -> None:
    assert commands.verify_daily(now=utc_now() + timedelta(days=9)) is None
