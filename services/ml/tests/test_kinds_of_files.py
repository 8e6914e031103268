"""Workbooks, JSON lines and columns of JSON through the API: what becomes of them, and how they are added to."""

import io
import json
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from asgiref.sync import sync_to_async

from ml import commands
from ml.commands import stretches_of
from ml.models import Machine
from ml.tables import machine_table
from ml.tests.workbooks import workbook
from service_base.errors import BadInput

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = [
    {"age": 20 + i % 50, "home": {"city": ["Graz", "Lyon"][i % 2], "floor": i % 7}, "buys": ["no", "yes"][i % 3 == 0]}
    for i in range(120)
]
LINES = "\n".join(json.dumps(row) for row in PEOPLE).encode()


@pytest.fixture
async def hers(ada, api):
    return await sync_to_async(api)(ada)


async def send(client, path, content):
    return await client.post(path, content, content_type="application/octet-stream")


async def add(client, path, rows):
    body = json.dumps({"rows": rows, "purpose": "learning"})
    return await client.post(path, body, content_type="application/json")


def names_read(machine):
    """The columns as a trainer reads them."""
    return list(machine_table(stretches_of(list(machine.data_lines.order_by("sequence")))).names)


async def test_json_lines_become_a_machine_whose_nested_values_are_columns(hers):
    answer = await send(hers, "/api/v1/machines?file_name=p.jsonl", LINES)
    body = answer.json()
    assert answer.status_code == 201, body
    assert body["mdc_columns_data_type"] == {
        "age": "FLOAT",
        "home": "JSON",
        "home.city": "LABEL",
        "home.floor": "FLOAT",
        "buys": "LABEL",
    }
    assert body["mdc_columns_name_input"] == ["age", "home.city", "home.floor"]
    assert await sync_to_async(names_read)(await Machine.objects.aget()) == list(body["mdc_columns_data_type"])


async def test_rows_are_appended_as_they_are_written_and_miss_what_holds_a_column(hers):
    machine = (await send(hers, "/api/v1/machines?file_name=p.jsonl", LINES)).json()
    path = f"/api/v1/machines/{machine['id']}/lines"
    assert (await add(hers, path, PEOPLE[:3])).status_code == 201
    refused = await add(hers, path, [{"age": 3, "buys": "no"}])
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "home")
    found = await Machine.objects.aget()
    assert found.learning_lines + found.evaluation_lines == 123


async def test_an_appended_file_has_the_machines_columns_whatever_it_holds_itself(hers):
    machine = (await send(hers, "/api/v1/machines?file_name=p.jsonl", LINES)).json()
    more = b'{"age": 1, "home": {"colour": "red"}, "buys": "no"}\n' * 5
    answer = await send(hers, f"/api/v1/machines/{machine['id']}/lines/file", more)
    assert answer.status_code == 201, answer.json()
    assert "home.colour" not in answer.json()["column_names"]


def test_a_column_of_json_that_is_typed_a_label_is_closed_again_and_opened_again(machine_of, ada):
    machine = machine_of(ada, LINES)
    closed = commands.correct_machine(machine_id=machine.pk, types={"home": "LABEL"})
    assert (closed.column_names, closed.mdc_columns_json_structure) == (["age", "home", "buys"], {})
    opened = commands.correct_machine(machine_id=machine.pk, types={"home": "JSON"})
    assert opened.column_names == ["age", "home", "home.city", "home.floor", "buys"]
    assert opened.mdc_columns_name_output == ["buys"]


async def test_a_workbook_becomes_a_machine_and_a_workbook_is_appended(hers):
    header = ["day", "city", "size"]
    rows = [[date(2024, 1, 1 + i % 28), ["Graz", "Lyon"][i % 2], i / 3] for i in range(90)]
    machine = (await send(hers, "/api/v1/machines?file_name=b.xlsx", workbook([header, *rows]))).json()
    assert machine["mdc_columns_data_type"] == {"day": "DATE", "city": "LABEL", "size": "FLOAT"}
    path = f"/api/v1/machines/{machine['id']}/lines/file"
    answer = await send(hers, path, workbook([header, *rows[:7]]))
    assert (answer.json()["file_format"], answer.json()["line_count"]) == ("xlsx", 7)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"encoding": "rot13"}, "encoding"),
        ({"separator": "\n"}, "separator"),
        ({"has_header": "no"}, "has_header"),
        ({"date_order": "YDM"}, "date_order"),
        ({"sheet": 3}, "sheet"),
        ({"parts": []}, "parts"),
        ({"separator": ";", "quote": ";"}, "separator"),
    ],
)
def test_a_dialect_that_cannot_be_is_refused_where_it_is_wrong(upload, said, field):
    with pytest.raises(BadInput) as refused:
        commands.read_upload(upload(), dialect=said)
    assert refused.value.field == field


def test_few_bytes_that_say_more_than_fits_the_memory_are_refused(upload):
    # One value of 16 MiB, named by each of 200 000 lines.
    value, lines = "x" * (16 << 20), 200_000
    same = pa.DictionaryArray.from_arrays(pa.array([0] * lines, pa.int32()), pa.array([value]))
    file = io.BytesIO()
    pq.write_table(pa.table({"a": same, "b": pa.array(range(lines))}), file, compression="zstd")
    assert len(file.getvalue()) < 1 << 20
    with pytest.raises(BadInput, match="more than fits the memory"):
        commands.read_upload(upload(file.getvalue(), "b.parquet"))


def test_what_a_person_says_of_a_file_is_taken_and_the_rest_is_found(upload):
    content = "ort;größe\n".encode("cp1252") + "Köln;1,5\nBonn;2,5\n".encode("cp1252") * 30
    found = commands.read_upload(upload(content), dialect={"separator": ";"})["dialect"]
    assert (found["encoding"], found["decimal"], found["confidence"]["separator"]) == ("cp1252", ",", 1.0)
