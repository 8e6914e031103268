"""The two calls of the original client: machines by name, made by their first lines, learning from more, answering."""

import json

import pytest
from asgiref.sync import sync_to_async

from event_bus.testing import said
from ml.models import Machine
from ml.tests.world import COLUMNS, ROW, buyers
from shared_models.events import ml

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ["age", "income", "city", "bought"]


def rows(lines, **kind):
    return [dict(zip(NAMES, (int(a), int(i), c, b), strict=True)) for a, i, c, b in buyers(lines, **kind)]


async def call(client, name, body, **headers):
    return await client.post(f"/api/v1/{name}", json.dumps(body), content_type="application/json", headers=headers)


async def test_the_first_lines_make_the_machine_and_the_next_are_added_to_it(ada, api):
    client = await sync_to_async(api)(ada)
    body = {"machine_name": "Buyers", "user_experiences": rows(60), "output_columns": ["bought"]}
    made = await call(client, "save-lines", body)
    more = await call(client, "save-lines", body | {"user_experiences": rows(40, seed=2)})
    machine = await Machine.objects.aget()
    assert (made.status_code, more.status_code) == (200, 200)
    assert made.json()["machine_id"] == more.json()["machine_id"] == str(machine.pk)
    assert (machine.machine_name, machine.mdc_columns_name_output) == ("Buyers", ["bought"])
    assert machine.learning_lines + machine.evaluation_lines == 100


async def test_only_the_inputs_that_are_named_are_learnt_from(ada, api):
    body = {"machine_name": "Buyers", "user_experiences": rows(60), "output_columns": ["bought"]}
    await call(await sync_to_async(api)(ada), "save-lines", body | {"input_columns": ["age", "income"]})
    machine = await Machine.objects.aget()
    assert machine.mdc_columns_name_input == ["age", "income"]
    assert machine.mdc_columns_total_count == COLUMNS


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"output_columns": None}, "output_columns"),
        ({"output_columns": ["height"]}, "outputs"),
        ({"user_experiences": []}, "rows"),
        ({"is_rescaling_numeric_output": True}, "is_rescaling_numeric_output"),
    ],
)
async def test_lines_that_make_no_machine_are_refused_by_the_field_at_fault(ada, api, change, field):
    body = {"machine_name": "Buyers", "user_experiences": rows(60), "output_columns": ["bought"]}
    answer = await call(await sync_to_async(api)(ada), "save-lines", body | change)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert await Machine.objects.acount() == 0


async def test_lines_without_a_column_are_not_added(machine, ada, api):
    body = {"machine_name": machine.machine_name, "user_experiences": [ROW]}
    answer = await call(await sync_to_async(api)(ada), "save-lines", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "bought")


async def test_one_row_is_asked_as_it_is_and_many_as_a_list(trained, ada, api):
    client = await sync_to_async(api)(ada)
    one = await call(client, "do-predict", {"machine_name": trained.machine_name, "data": ROW})
    many = await call(client, "do-predict", {"machine_name": str(trained.pk), "data": [ROW, ROW]})
    assert one.json()["data"] == [{"bought": "yes"}]
    assert many.json()["data"] == [{"bought": "yes"}] * 2
    assert [event.lines for event in await sync_to_async(said)(ml.SolvingCompleted)] == [1, 2]


async def test_the_same_key_is_one_charge_for_the_original_call_too(trained, ada, api):
    client = await sync_to_async(api)(ada)
    body = {"machine_name": trained.machine_name, "data": [ROW]}
    first = await call(client, "do-predict", body, **{"idempotency-key": "one"})
    second = await call(client, "do-predict", body, **{"idempotency-key": "one"})
    assert first.json() == second.json()
    assert len(await sync_to_async(said)(ml.SolvingCompleted)) == 1
