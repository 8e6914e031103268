"""The first design's names: what they say is what the ledger says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum

from billing import commands, queries
from billing.models import Billing, Credit, CreditIXIOO, Debit, DebitIXIOO, Operation
from billing.tests.world import Person, World, balance
from event_bus.testing import deliver

VIEWS = ["credit", "debit", "credit_ixioo", "debit_ixioo", "billing", "entry", "entry_line", "turnover", "wallet_entry"]


@pytest.fixture
def traded(world: World) -> tuple[Person, Person]:
    """A buyer who topped up, bought tokens, trained and used another's machine, and the seller."""
    buyer, seller = world.person(usd="50", eaml_for_usd="2"), world.person(usd="1")
    wanted, _ = world.hold(buyer, lines=10_000)
    deliver(world.trained(wanted))
    deliver(world.solved(buyer, lines=3000))
    deliver(world.solved(buyer, lines=100, owner=seller))
    commands.keep_income(owner=seller.id, key="k", amount_usd="0.5")
    return buyer, seller


def test_what_came_less_what_went_is_the_balance_of_that_name(traded: tuple[Person, Person]) -> None:
    for person in traded:
        for account, came, went in ((person.usd, Credit, Debit), (person.eaml, CreditIXIOO, DebitIXIOO)):
            sums = [
                model.objects.filter(user_id=person.id).aggregate(s=Sum("amount"))["s"] or 0  # type: ignore[attr-defined]
                for model in (came, went)
            ]
            assert sums[0] - sums[1] == balance(account)


def test_their_amounts_are_positive(traded: tuple[Person, Person]) -> None:
    for model in (Credit, Debit, CreditIXIOO, DebitIXIOO):
        amounts = list(model.objects.values_list("amount", flat=True))  # type: ignore[attr-defined]
        assert amounts
        assert min(amounts) > 0


def test_each_of_them_has_one_id_for_ever(traded: tuple[Person, Person]) -> None:
    ids = [row.uuid for model in (Credit, Debit) for row in model.objects.all()]  # type: ignore[attr-defined]

    assert len(ids) == len(set(ids))
    assert ids == [row.uuid for model in (Credit, Debit) for row in model.objects.all()]  # type: ignore[attr-defined]


def test_the_flat_row_tells_each_party_her_own_part(traded: tuple[Person, Person]) -> None:
    buyer, seller = traded
    rows = {row.operation.kind: row for row in Billing.objects.filter(user_id=buyer.id)}
    training, solving, market = rows["training"], rows["solving"], rows["solving_with_api_market"]

    assert (training.CountOfLinesTraining, training.CountOfTrainingEpoch) == (10_000, 40)
    assert training.TrainingCostMachineUSD == Decimal(1)
    assert (solving.CountOfLinesSolvedOwner, solving.SolvingCostMachineUSD) == (3000, Decimal("0.3"))
    assert (market.CountOfLinesSolvedAPI, market.SolvingCostMachineAPI_Total_USD) == (100, Decimal("1.01"))
    assert market.SolvingAPIIncomeUSD is None
    assert market.operation_cost == Decimal("1.01")
    assert rows["credit_from_user"].CreditFromUser == 52

    [earned] = [row for row in Billing.objects.filter(user_id=seller.id) if row.SolvingAPIIncomeUSD]
    assert (earned.SolvingAPIIncomeUSD, earned.CountOfLinesSolvedAPI) == (Decimal("0.9"), 100)
    assert earned.SolvingCostMachineAPI_Total_USD is None
    assert earned.operation_cost == Decimal("-0.9")


def test_an_operation_has_its_legs(api: Any, traded: tuple[Person, Person]) -> None:
    buyer, _ = traded
    items = api(buyer).get("/api/v1/operations").json()["items"]
    legs = {one["kind"]: (one["credit"], one["debit"], one["credit_ixioo"], one["debit_ixioo"]) for one in items}

    assert legs["credit_from_user"] == ("52", None, None, None)
    assert legs["training"] == (None, None, None, "10")
    assert legs["solving_with_api_market"][1] == "1"
    one = Operation.objects.get(kind="training")
    assert api(buyer).get(f"/api/v1/operations/{one.pk}").json()["debit_ixioo"] == "10"


@pytest.mark.parametrize(
    ("path", "name"),
    [("credits", "credit"), ("debits", "debit"), ("credits-ixioo", "credit_ixioo"), ("debits-ixioo", "debit_ixioo")],
)
def test_the_api_lists_them_page_by_page(api: Any, traded: tuple[Person, Person], path: str, name: str) -> None:
    buyer, _ = traded
    client, cursor, seen = api(buyer), "", []
    while cursor is not None:
        answer = client.get(f"/api/v1/{path}?limit=1&cursor={cursor}").json()
        seen += answer["items"]
        cursor = answer["next_cursor"]

    assert [row["uuid"] for row in seen] == [
        str(row.uuid) for row in queries.seeds_of(buyer.id, name).order_by("-entry_id")
    ]
    assert {row["user"] for row in seen} == {str(buyer.id)}


def test_the_api_lists_the_flat_rows(api: Any, traded: tuple[Person, Person]) -> None:
    _, seller = traded
    items = api(seller).get("/api/v1/billings").json()["items"]

    assert [row["SolvingAPIIncomeUSD"] for row in items if row["SolvingAPIIncomeUSD"]] == ["0.9"]
    assert {row["user"] for row in items} == {str(seller.id)}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(
    "attack", ["INSERT INTO {v} SELECT * FROM {v}", "UPDATE {v} SET {c} = {c}", "DELETE FROM {v}", "TRUNCATE {v}"]
)
def test_no_view_of_the_ledger_is_a_way_to_write_it(traded: tuple[Person, Person], view: str, attack: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {view} LIMIT 1")
        assert cursor.description
        column = cursor.description[0].name
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack.format(v=view, c=column))
