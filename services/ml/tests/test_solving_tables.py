"""Rows as CSV and as Arrow: what goes in, what comes out, and what is refused."""

import io
import json

import pyarrow as pa
import pytest
from asgiref.sync import sync_to_async

from event_bus.testing import said
from ml.rules.kinds import MEDIA_TYPES, Kind
from ml.tests.world import ROW
from shared_models.events import ml

pytestmark = pytest.mark.django_db(transaction=True)
CSV, ARROW, JSON = (MEDIA_TYPES[kind] for kind in (Kind.CSV, Kind.ARROW, Kind.JSON))
RICH = b"age,income,city\n45,89000,Lyon\n20,11000,Graz\n"


def arrow(table, **options):
    body = io.BytesIO()
    with pa.ipc.new_stream(body, table.schema, **options) as stream:
        stream.write_table(table)
    return body.getvalue()


TABLE = pa.table({"age": [45, 20], "income": [89000.0, 11000.0], "city": ["Lyon", "Graz"]})


async def solve(client, machine, body, kind, **headers):
    return await client.post(f"/api/v1/machines/{machine.pk}/solve", body, content_type=kind, headers=headers)


def bought(answer):
    if answer["Content-Type"] == ARROW:
        return pa.ipc.open_stream(answer.content).read_all()["prediction"].to_pylist()
    if answer["Content-Type"] == CSV:
        return [line.split(",")[0] for line in answer.content.decode().splitlines()[1:]]
    return [result["values"]["bought"] for result in answer.json()["results"]]


@pytest.mark.parametrize("asked", ["", CSV, ARROW, JSON])
@pytest.mark.parametrize("kind", [CSV, ARROW, JSON])
async def test_every_kind_of_rows_is_answered_in_every_kind(trained, ada, api, kind, asked):
    bodies = {CSV: RICH, ARROW: arrow(TABLE), JSON: json.dumps({"rows": TABLE.to_pylist()}).encode()}
    headers = {"accept": asked} if asked else {}
    answer = await solve(await sync_to_async(api)(ada), trained, bodies[kind], kind, **headers)
    assert (answer.status_code, answer["Content-Type"]) == (200, asked or kind)
    assert bought(answer) == ["yes", "no"]
    [event] = await sync_to_async(said)(ml.SolvingCompleted)
    assert event.lines == 2


async def test_a_table_has_its_price_in_the_headers(trained, ada, api):
    answer = await solve(await sync_to_async(api)(ada), trained, RICH, CSV)
    [event] = await sync_to_async(said)(ml.SolvingCompleted)
    assert (answer["Titan-Price-Eaml"], answer["Titan-Price-Usd"]) == ("0.02", "0")
    assert answer["Titan-Usage-Id"] == str(event.usage_id)


async def test_what_was_never_seen_is_said_beside_its_row(trained, ada, api):
    answer = await solve(await sync_to_async(api)(ada), trained, RICH + b"500,50000,Oslo\n", CSV)
    lines = answer.content.decode().splitlines()
    assert [line.endswith(",") for line in lines[1:3]] == [True, True]
    assert "age: 500 is outside what was learnt from" in lines[3]
    assert "city: 'Oslo' was not, or hardly ever, learnt from" in lines[3]


async def test_a_semicolon_or_a_tab_cuts_as_well(trained, ada, api):
    client = await sync_to_async(api)(ada)
    for separator in (b";", b"\t", b"|"):
        assert bought(await solve(client, trained, RICH.replace(b",", separator), CSV)) == ["yes", "no"]


@pytest.mark.parametrize("asked", [CSV, JSON])
async def test_a_body_is_read_with_its_own_decimal_sign(trained, ada, api, asked):
    client = await sync_to_async(api)(ada)
    pointed, commas = b"age;income;city\n45.0;8900.50;Lyon\n", b"age;income;city\n45,0;8900,50;Lyon\n"
    told = [await solve(client, trained, body, CSV, accept=asked) for body in (pointed, commas)]
    if asked == CSV:
        assert told[0].content == told[1].content
    else:
        assert told[0].json()["results"] == told[1].json()["results"]
    assert b"outside what was learnt" not in told[1].content


async def test_thousands_stay_thousands_where_a_body_does_not_show_its_sign(trained, ada, api):
    client = await sync_to_async(api)(ada)
    plain, parted = (b"age;income;city\n45;%b;Lyon\n" % income for income in (b"89000", b"89,000"))
    told = [await solve(client, trained, body, CSV, accept=JSON) for body in (plain, parted)]
    assert told[0].json()["results"] == told[1].json()["results"]


async def test_spans_of_time_are_taken_as_their_seconds(trained, ada, api):
    spans = TABLE.set_column(0, "age", pa.array([45, 20], pa.duration("s")))
    answer = await solve(await sync_to_async(api)(ada), trained, arrow(spans), ARROW)
    assert pa.ipc.open_stream(answer.content).read_all()["warnings"].to_pylist() == ["", ""]


async def test_lines_may_end_as_they_did_on_old_macs(trained, ada, api):
    assert bought(await solve(await sync_to_async(api)(ada), trained, RICH.replace(b"\n", b"\r"), CSV)) == ["yes", "no"]


async def test_an_empty_field_is_a_missing_value(trained, ada, api):
    answer = await solve(await sync_to_async(api)(ada), trained, b"age,income,city\n45,89000,\n", CSV)
    assert bought(answer) == ["yes"]


async def test_the_same_key_is_one_charge_and_the_same_table(trained, ada, api):
    client = await sync_to_async(api)(ada)
    first = await solve(client, trained, RICH, CSV, **{"idempotency-key": "one"})
    second = await solve(client, trained, RICH, CSV, **{"idempotency-key": "one"})
    other = await solve(client, trained, RICH, CSV, **{"idempotency-key": "one", "accept": ARROW})
    assert first.content == second.content
    assert (first["Titan-Usage-Id"], other.status_code) == (second["Titan-Usage-Id"], 409)
    assert len(await sync_to_async(said)(ml.SolvingCompleted)) == 1


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (b"age,income,city\n", "body", "Send 1 to"),
        (b"age,income\n1,2\n", "city", "is missing"),
        (b"age,income,city,height\n1,2,Lyon,3\n", "height", "does not know"),
        (b"age,age,city\n1,2,Lyon\n", "age", "stands twice"),
        (b"age,income,city\n1,2,Lyon\n1,2\n", "body", "Line 3 has 2 fields"),
        (b'age,income,city\n1,2,"Lyon\n', "body", "cannot be cut"),
        (b"age,income,city\n1,2,Z\xfcrich\n", "body", "is not UTF-8"),
        (b"age,in\rcome,city\n45,1,Lyon\n", "body", "Line 3 has 3 fields"),
        (b"a" * (2 << 20) + b",age\n1,2\n", "body", "Line 1 cannot be cut"),
        (b"age,income,city\n" + b"1,2,Lyon\n" * 10_001, "body", "Send 1 to"),
    ],
)
async def test_a_csv_that_does_not_fit_is_refused_by_line_or_column(trained, ada, api, body, field, words):
    answer = await solve(await sync_to_async(api)(ada), trained, body, CSV)
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, field)
    assert words in error["message"]
    assert await sync_to_async(said)(ml.SolvingCompleted) == []


def compressed():
    return arrow(TABLE, options=pa.ipc.IpcWriteOptions(compression="zstd"))


def compressed_labels():
    coded = TABLE.set_column(2, "city", TABLE["city"].dictionary_encode())
    return arrow(coded, options=pa.ipc.IpcWriteOptions(compression="lz4"))


def endless():
    return arrow(pa.table({"age": pa.nulls(10**9), "income": pa.nulls(10**9), "city": pa.nulls(10**9)}))


def nested():
    return arrow(TABLE.set_column(0, "age", pa.array([[1], [2]])))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (lambda: b"age,income,city\n", "body"),
        (lambda: b"", "body"),
        (lambda: arrow(TABLE)[:-40], None),
        (compressed, "body"),
        (compressed_labels, "body"),
        (endless, "body"),
        (nested, "age"),
        (lambda: arrow(TABLE.slice(0, 0)), "body"),
        (lambda: arrow(TABLE.drop(["city"])), "city"),
    ],
)
async def test_an_arrow_stream_that_does_not_fit_is_refused(trained, ada, api, body, field):
    answer = await solve(await sync_to_async(api)(ada), trained, body(), ARROW)
    if field is None:  # cut off at its end: what is there may still be whole
        assert answer.status_code in (200, 422)
        return
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, field)
    assert await sync_to_async(said)(ml.SolvingCompleted) == []


async def test_labels_as_an_arrow_dictionary_and_dates_are_taken(trained, ada, api):
    coded = TABLE.set_column(2, "city", TABLE["city"].dictionary_encode())
    assert bought(await solve(await sync_to_async(api)(ada), trained, arrow(coded), ARROW)) == ["yes", "no"]


async def test_every_byte_of_an_arrow_stream_may_be_wrong(trained, ada, api):
    client, whole = await sync_to_async(api)(ada), arrow(TABLE)
    for place in range(0, len(whole), 7):
        body = bytearray(whole)
        body[place] ^= 0xFF
        answer = await solve(client, trained, bytes(body), ARROW, accept=JSON)
        assert answer.status_code in (200, 422), answer.content


async def test_a_kind_that_there_is_not_is_refused_with_those_there_are(trained, ada, api):
    answer = await solve(await sync_to_async(api)(ada), trained, RICH, CSV, accept="application/pdf")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (406, "Accept")
    assert CSV in answer.json()["detail"]


async def test_a_body_that_is_no_json_is_told_what_to_send(trained, ada, api):
    answer = await solve(await sync_to_async(api)(ada), trained, b"age,income\n", "application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body")


@pytest.mark.parametrize("body", [{"rows": "none"}, {"rows": [1]}, {}, []])
async def test_json_of_another_shape_names_what_is_wrong(trained, ada, api, body):
    answer = await solve(await sync_to_async(api)(ada), trained, json.dumps(body).encode(), JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_a_row_that_lacks_a_column_is_named_in_every_kind(trained, ada, api):
    body = json.dumps({"rows": [ROW, {"age": 1, "income": 2}]}).encode()
    for asked in (JSON, CSV):
        answer = await solve(await sync_to_async(api)(ada), trained, body, JSON, accept=asked)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "city")


async def test_more_rows_than_a_request_takes_are_refused_in_every_kind(trained, ada, api):
    body = json.dumps({"rows": [ROW] * 1001}).encode()
    answer = await solve(await sync_to_async(api)(ada), trained, body, JSON, accept=CSV)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "rows")
