"""Solving: answers, charges, refusals, and the promise that a repeated request is one of each."""

import json
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from event_bus.testing import deliver, said
from ml import commands
from ml.models import SolvedLines
from ml.rules.access import Right
from ml.tests.world import ROW, balance
from service_base.testing import TokenClient
from shared_models.events import ml

pytestmark = pytest.mark.django_db(transaction=True)


async def solve(client, machine, rows, **headers):
    path = f"/api/v1/machines/{machine.pk}/solve"
    return await client.post(path, json.dumps({"rows": rows}), content_type="application/json", headers=headers)


def events():
    return said(ml.SolvingCompleted)


async def usage():
    return await sync_to_async(events)()


async def test_rows_are_answered_in_order_with_probabilities_and_one_usage(trained, ada, api):
    client = await sync_to_async(api)(ada)
    rich, poor = ROW | {"income": 89000}, ROW | {"income": 11000, "age": 20}
    answer = await solve(client, trained, [rich, poor])
    results = answer.json()["results"]
    assert [result["values"]["bought"] for result in results] == ["yes", "no"]
    assert sum(results[0]["probabilities"]["bought"].values()) == pytest.approx(1, abs=1e-5)
    [event] = await usage()
    assert (event.lines, event.channel, event.payer_id, event.work_id) == (2, "own", ada.pk, None)


async def test_the_same_key_is_one_charge_and_the_same_answer(trained, ada, api):
    client = await sync_to_async(api)(ada)
    first = await solve(client, trained, [ROW], **{"idempotency-key": "one"})
    second = await solve(client, trained, [ROW], **{"idempotency-key": "one"})
    assert first.json() == second.json()
    assert len(await usage()) == 1


async def test_the_same_key_with_other_rows_is_refused(trained, ada, api):
    client = await sync_to_async(api)(ada)
    await solve(client, trained, [ROW], **{"idempotency-key": "one"})
    answer = await solve(client, trained, [ROW | {"age": 1}], **{"idempotency-key": "one"})
    assert answer.status_code == 409
    assert len(await usage()) == 1


async def test_two_keys_are_two_charges(trained, ada, api):
    client = await sync_to_async(api)(ada)
    await solve(client, trained, [ROW], **{"idempotency-key": "one"})
    await solve(client, trained, [ROW], **{"idempotency-key": "two"})
    assert len({event.usage_id for event in await usage()}) == 2


async def test_an_api_key_of_the_owner_is_the_api_channel(trained, ada, key_of):
    client = TokenClient(await sync_to_async(key_of)(ada, "ml:solve"))
    assert (await solve(client, trained, [ROW])).json()["channel"] == "api"


@pytest.mark.parametrize(
    ("row", "field"),
    [({"age": 1, "income": 2}, "city"), (ROW | {"height": 180}, "height"), ({}, "age")],
)
async def test_a_column_that_is_missing_or_unknown_is_named(trained, ada, api, row, field):
    answer = await solve(await sync_to_async(api)(ada), trained, [row])
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert await usage() == []


async def test_a_null_is_a_missing_value_not_a_missing_column(trained, ada, api):
    answer = await solve(await sync_to_async(api)(ada), trained, [ROW | {"city": None}])
    assert answer.status_code == 200


@pytest.mark.parametrize("rows", [[], [ROW] * 1001])
async def test_no_rows_and_too_many_rows_are_refused(trained, ada, api, rows):
    answer = await solve(await sync_to_async(api)(ada), trained, rows)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "rows")


async def test_a_machine_that_was_never_trained_says_so(machine, ada, api):
    answer = await solve(await sync_to_async(api)(ada), machine, [ROW])
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (409, "not-trained")


async def test_without_funds_nothing_is_solved_and_the_problem_says_what_is_missing(trained, ada, api):
    await sync_to_async(deliver)(balance(ada.pk, 9))
    answer = await solve(await sync_to_async(api)(ada), trained, [ROW] * 10)
    assert answer.status_code == 402
    assert answer.json()["missing"] == "0.05"
    assert await usage() == []


async def test_credit_lets_a_person_go_on(trained, ada, api):
    await sync_to_async(deliver)(balance(ada.pk, 9, credit="1"))
    assert (await solve(await sync_to_async(api)(ada), trained, [ROW])).status_code == 200


async def test_a_buyer_pays_platform_and_owner(trained, person, api):
    await sync_to_async(commands.publish_machine)(machine_id=trained.pk, price_usd="0.25")
    eve = await sync_to_async(person)("eve", usd="1")
    answer = await solve(await sync_to_async(api)(eve), trained, [ROW, ROW])
    assert answer.json()["price"] == {"eaml": "0.02", "usd": "0.5"}
    [event] = await usage()
    assert (event.channel, event.payer_id, event.market_price_usd) == ("market", eve.pk, Decimal("0.25"))


async def test_a_buyer_without_dollars_is_refused(trained, person, api):
    await sync_to_async(commands.publish_machine)(machine_id=trained.pk, price_usd="0.25")
    eve = await sync_to_async(person)("eve", eaml="50")
    assert (await solve(await sync_to_async(api)(eve), trained, [ROW])).status_code == 402


async def test_solved_lines_are_counted_for_the_market(trained, ada, api):
    client = await sync_to_async(api)(ada)
    await solve(client, trained, [ROW, ROW])
    await solve(client, trained, [ROW])
    row = await sync_to_async(SolvedLines.objects.get)()
    assert (row.lines, row.requests) == (3, 2)


async def test_the_original_call_answers_by_machine_name(trained, ada, api):
    client = await sync_to_async(api)(ada)
    body = {"machine_name": trained.machine_name, "data": [ROW]}
    answer = await client.post("/api/v1/do-predict", json.dumps(body), content_type="application/json")
    assert answer.json()["data"][0].keys() == {"bought"}


async def test_the_original_call_does_not_find_somebody_elses_machine(trained, eve, api):
    client = await sync_to_async(api)(eve)
    body = {"machine_name": trained.machine_name, "data": [ROW]}
    answer = await client.post("/api/v1/do-predict", json.dumps(body), content_type="application/json")
    assert answer.status_code == 404


async def test_the_market_lists_what_a_buyer_must_know_and_no_row_of_the_table(trained, eve, api):
    await sync_to_async(commands.publish_machine)(machine_id=trained.pk, price_usd="0.25")
    [listing] = (await (await sync_to_async(api)(eve)).get("/api/v1/market")).json()["items"]
    assert listing["outputs"] == {"bought": "LABEL"}
    assert listing["scores"][0]["value"] > listing["scores"][0]["constant"]
    assert "first_rows" not in json.dumps(listing)


async def test_without_a_token_nothing_is_solved(trained):
    assert (await solve(AsyncClient(), trained, [ROW])).status_code == 401
    assert await usage() == []


async def test_a_damaged_model_is_no_answer(trained, ada, api):
    from ml.store import place

    (place(trained.training_nn_model.folder) / "model.onnx").write_bytes(b"something else")
    answer = await solve(await sync_to_async(api)(ada), trained, [ROW])
    assert answer.status_code == 503
    assert await usage() == []


async def test_a_body_beyond_what_is_held_in_memory_is_a_413_problem(trained, ada, api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024**2
    answer = await solve(await sync_to_async(api)(ada), trained, [{"age": "x" * (1024**2 + 1)}])
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (413, "too-large")


@pytest.mark.parametrize("who", ["owner", "buyer"])
def test_one_question_finds_what_several_would(trained, ada, person, who):
    from ml import queries
    from service_base.callers import Caller

    commands.publish_machine(machine_id=trained.pk, price_usd="0.25")
    caller = Caller(ada if who == "owner" else person("bo", usd="7", credit="2"))
    found = queries.to_solve(caller, trained.pk)
    assert (found.known_prices, found.of_caller) == (queries.prices(), queries.available(caller.id))
    assert found.of_owner == queries.available(ada.pk)
    whole = queries.machine_for(caller, trained.pk, Right.SOLVE)
    for name in ("machine_name", "owner_id", "machine_api_solving_price_usd", "mdc_columns_total_count"):
        assert getattr(found.machine, name) == getattr(whole, name)
    assert found.machine.training_nn_model.folder == whole.training_nn_model.folder
