"""Files that come in: as a form or as a body, good, bad and hostile."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile

from event_bus.testing import said
from ml import commands
from ml.models import DataLine, DataLinesOperation, Machine
from ml.store import place
from ml.tests.world import HEADER, ROW, TABLE, buyers, csv_of
from shared_models.events import ml

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_incoming")]


def parquet_of(rows):
    columns = dict(zip(HEADER, zip(*rows, strict=True), strict=True))
    table = pa.table(
        {
            "age": [int(value) for value in columns["age"]],
            "income": [float(value) for value in columns["income"]],
            "city": list(columns["city"]),
            "bought": list(columns["bought"]),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


async def send(client, content, path="/api/v1/machines?file_name=t.csv", **headers):
    return await client.post(path, content, content_type="application/octet-stream", headers=headers)


@pytest.fixture
async def hers(ada, api):
    return await sync_to_async(api)(ada)


async def test_a_csv_as_the_body_becomes_a_machine(hers):
    answer = await send(hers, TABLE, "/api/v1/machines?machine_name=Buyers&outputs=bought")
    assert answer.status_code == 201
    assert answer.json()["machine_name"] == "Buyers"
    assert answer.json()["mdc_columns_data_type"]["income"] == "FLOAT"


@pytest.mark.parametrize("name", ["types", "outputs"])
async def test_a_field_nested_without_end_is_refused(hers, name):
    answer = await send(hers, TABLE, f"/api/v1/machines?file_name=t.csv&{name}={'[' * 3000}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


async def test_a_parquet_file_in_a_form_becomes_a_machine(hers):
    file = SimpleUploadedFile("buyers.parquet", parquet_of(buyers()))
    answer = await hers.post("/api/v1/machines", {"file": file, "machine_level": "2", "ignore": "city"})
    body = answer.json()
    assert (body["machine_name"], body["machine_level"], body["ignored_columns"]) == ("buyers", 2, ["city"])


async def test_the_same_upload_under_one_key_is_one_machine(hers):
    first = await send(hers, TABLE, **{"idempotency-key": "one"})
    second = await send(hers, TABLE, **{"idempotency-key": "one"})
    assert first.json()["id"] == second.json()["id"]
    assert await sync_to_async(Machine.objects.count)() == 1


async def test_another_file_under_the_same_key_is_refused(hers):
    await send(hers, TABLE, **{"idempotency-key": "one"})
    answer = await send(hers, csv_of(buyers(60)), **{"idempotency-key": "one"})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no lines"),
        (b"age,income\n", "holds no lines"),
        (b"PK\x03\x04" + bytes(range(256)) * 8, "looks like a zip archive or an Excel workbook"),
        (bytes(range(256)) * 64, "looks like binary data"),
        (b"just one column\n1\n2\n3\n", "has one column only"),
        (b"a,b,a\n1,2,3\n4,5,6\n", "names these columns twice"),
        (b"PAR1 but not really PAR1", "cut short or damaged"),
        ("näme,wert\n1,2\n".encode("utf-16")[:-1], "read as"),
        (b"a\x00b,c\n" + b"1,2\n3,4\n" * 20, "cannot be read"),
    ],
    ids=["empty", "header only", "xlsx", "binary", "one column", "twice", "broken parquet", "cut utf-16", "nul"],
)
async def test_a_file_that_is_no_table_is_refused_in_one_sentence_and_leaves_nothing(hers, content, says):
    answer = await send(hers, content)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert answer.json()["errors"]
    assert not await sync_to_async(Machine.objects.exists)()
    assert list(place("incoming").glob("*")) == []


async def test_a_ragged_file_keeps_its_good_lines_and_names_the_bad_ones(hers):
    content = csv_of([*buyers(60), ["1"], ["1", "2", "3", "4", "5"]])
    machine = (await send(hers, content)).json()
    [lines] = (await hers.get(f"/api/v1/machines/{machine['id']}/lines")).json()["items"]
    assert (lines["line_count"], lines["bad_line_count"]) == (60, 2)
    assert [bad["line"] for bad in lines["bad_lines"]] == [62, 63]


async def test_a_file_in_latin_letters_is_read_as_what_it_is(hers):
    content = "ville,âge,acheté\n".encode("cp1252") + "Nîmes,30,oui\nOrléans,40,non\n".encode("cp1252") * 40
    machine = (await send(hers, content)).json()
    assert machine["mdc_columns_name_output"] == ["acheté"]
    assert "Nîmes" in machine["mdc_columns_most_frequent_values_count"]["ville"]


async def test_an_unknown_output_is_named(hers):
    answer = await send(hers, TABLE, "/api/v1/machines?outputs=height")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "outputs")


async def test_a_form_without_a_file_says_which_field_is_missing(hers):
    answer = await hers.post("/api/v1/machines", {"machine_name": "x"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "file")


async def test_a_file_beyond_the_limit_is_refused_before_it_is_read(hers, monkeypatch):
    monkeypatch.setattr("ml.uploads.LARGEST_UPLOAD", 100)
    assert (await send(hers, TABLE)).status_code == 413


async def test_a_full_disk_is_one_sentence(hers, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("service_base.object_store.os.fsync", full)
    answer = await send(hers, TABLE)
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (503, "store-full")
    assert list(place("incoming").glob("*")) == []


async def test_appended_rows_count_for_learning_and_leave_a_note(machine, hers):
    before = machine.learning_lines + machine.evaluation_lines
    body = {"rows": [ROW | {"bought": "yes"}] * 20}
    answer = await hers.post(f"/api/v1/machines/{machine.pk}/lines", json.dumps(body), content_type="application/json")
    assert (answer.status_code, answer.json()["sequence"]) == (201, 2)
    await machine.arefresh_from_db()
    assert machine.learning_lines + machine.evaluation_lines == before + 20
    assert await DataLinesOperation.objects.filter(machine_id=machine.pk, is_added_for_learning=True).acount() == 1


async def test_the_worker_reads_a_machine_anew_once_after_appending(machine, upload):
    for _ in range(2):
        received = upload(csv_of(buyers(50, seed=9)), "more.csv")
        await sync_to_async(commands.append_lines)(machine_id=machine.pk, received=received, purpose="learning")
    assert await sync_to_async(commands.look_at_appended_lines)() == 1
    assert await sync_to_async(commands.look_at_appended_lines)() == 0
    await machine.arefresh_from_db()
    assert machine.learning_lines + machine.evaluation_lines == 400


@pytest.mark.parametrize(
    ("row", "field"), [(ROW, "bought"), (ROW | {"bought": "yes", "height": 1}, "height"), ({"bought": "no"}, "age")]
)
async def test_rows_to_learn_from_need_every_column_and_no_other(machine, hers, row, field):
    body = json.dumps({"rows": [row]})
    answer = await hers.post(f"/api/v1/machines/{machine.pk}/lines", body, content_type="application/json")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert await DataLine.objects.acount() == 1


async def test_save_lines_makes_a_machine_and_then_adds_to_it(hers):
    rows = [dict(zip(HEADER, row, strict=True)) for row in buyers(80)]
    body = {"machine_name": "Saved", "user_experiences": rows, "output_columns": ["bought"]}
    for _ in range(2):
        answer = await hers.post("/api/v1/save-lines", json.dumps(body), content_type="application/json")
        assert answer.status_code == 200
    machine = await Machine.objects.aget()
    assert machine.learning_lines + machine.evaluation_lines == 160
    assert len(await sync_to_async(said)(ml.MachineChanged)) == 1


async def test_two_writers_of_one_table_do_not_mix(machine):
    from ml.commands.locks import LockLost, TableBusy, must_hold, take_lock
    from shared_models.clock import utc_now

    take = sync_to_async(take_lock)
    first = await take(machine_id=machine.pk, owner="one")
    with pytest.raises(TableBusy):
        await take(machine_id=machine.pk, owner="two")
    from ml.commands.locks import HELD_FOR

    second = await take(machine_id=machine.pk, owner="two", now=utc_now() + 2 * HELD_FOR)
    assert second == first + 1

    def write():
        from django.db import transaction

        with transaction.atomic():
            must_hold(machine_id=machine.pk, token=first)

    with pytest.raises(LockLost):
        await sync_to_async(write)()


async def test_old_files_that_no_row_names_are_removed_and_named_ones_stay(machine):
    import os

    orphan = place("models/x/orphan")
    orphan.mkdir(parents=True)
    kept = place((await machine.data_lines.aget()).path)
    for path in (orphan, kept):
        os.utime(path, (0, 0))
    assert await sync_to_async(commands.clean_store)() >= 1
    assert kept.exists()
    assert not orphan.exists()
