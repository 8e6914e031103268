"""`titan ledger verify` finds what was broken behind the rules' back, and nothing where nothing was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from typer.testing import CliRunner

from billing import queries
from billing.cli import app
from billing.models import Balance, CouponLot, Payment, Usage
from billing.tests.world import Person, World
from event_bus.models import InboxEntry
from event_bus.testing import deliver
from shared_models.ids import new_id

# Tampering takes the owner's rights.
pytestmark = pytest.mark.owner


@pytest.fixture
def busy(world: World) -> Person:
    """Somebody who has done everything that moves money."""
    person = world.person(usd="10", eaml_for_usd="1", coupon="5")
    owner = world.person()
    wanted, _ = world.hold(person, lines=20_000)
    deliver(world.trained(wanted, lines=10_000))
    world.hold(person, lines=20_000)
    deliver(world.solved(person, lines=10, owner=owner))
    return person


def test_a_busy_ledger_holds(busy: Person) -> None:
    verdict = queries.verify()

    assert verdict.ok, verdict.first_difference
    assert verdict.usage_events == {
        "titan.ml.solving.completed.v1": 1,
        "titan.ml.training.completed.v1": 1,
    }


def test_the_command_prints_the_verdict_and_ends_with_zero(busy: Person) -> None:
    outcome = CliRunner().invoke(app, ["verify", "--json"])

    assert outcome.exit_code == 0
    assert json.loads(outcome.stdout)["ok"] is True


def _tamper(sql: str, *parameters: Any) -> None:
    """Change something as somebody with full rights over the database could."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE posting DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE usage DISABLE TRIGGER USER")
        cursor.execute(sql, parameters)


def _break_a_balance(person: Person) -> str:
    Balance.objects.filter(pk=person.usd.id).update(posted=1000)
    return "each currency sums to zero"


def _break_a_posting(person: Person) -> str:
    _tamper("UPDATE posting SET credit_after = 1 WHERE id = (SELECT min(id) FROM posting)")
    return "running balances are right"


def _break_a_hold(person: Person) -> str:
    Balance.objects.filter(pk=person.eaml.id).update(held=0)
    return "held equals open holds"


def _break_a_lot(person: Person) -> str:
    CouponLot.objects.filter(owner_id=person.id).update(granted=6)
    return "coupon lots add up"


def _lose_a_usage(person: Person) -> str:
    _tamper("DELETE FROM usage WHERE event_id = %s", Usage.objects.values_list("pk").first()[0])
    return "usage events are charged"


def _receive_without_charging(person: Person) -> str:
    InboxEntry.objects.create(consumer="titan.billing", event_id=new_id(), type="titan.ml.training.completed.v1")
    return "usage events are charged"


def _forge_a_payment(person: Person) -> str:
    Payment.objects.update(amount=5)
    return "payments are in the wallet once"


@pytest.mark.parametrize(
    "tamper",
    [
        _break_a_balance,
        _break_a_posting,
        _break_a_hold,
        _break_a_lot,
        _lose_a_usage,
        _receive_without_charging,
        _forge_a_payment,
    ],
)
def test_what_was_tampered_with_is_the_first_difference(busy: Person, tamper: Any) -> None:
    named = tamper(busy)
    verdict = queries.verify()

    assert verdict.first_difference is not None
    assert verdict.first_difference.startswith(named)


def test_the_command_ends_with_one_and_names_the_first_difference(busy: Person) -> None:
    _break_a_balance(busy)
    outcome = CliRunner().invoke(app, ["verify"])

    assert outcome.exit_code == 1
    assert "each currency sums to zero" in outcome.stderr
