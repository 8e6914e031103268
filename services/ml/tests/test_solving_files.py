"""Files solved as work: the kind of file that was asked for, what is charged, cancelling, and what drifted."""

import threading
from io import BytesIO
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from asgiref.sync import sync_to_async

from event_bus.testing import said
from ml import commands
from ml.models import DriftCount, Work
from ml.rules.work import WorkState
from ml.store import place
from ml.tests.world import buyers, csv_of
from ml.trainer import Trainer
from service_base.errors import BadInput
from shared_models.events import ml

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ["age", "income", "city"]


@pytest.fixture
def solving(trained, ada, upload, authorize):
    """Asks for a file's answers: `solving(300, answers="arrow")`."""

    def ask(lines, **given):
        body = csv_of([row[:3] for row in buyers(lines, seed=3)], NAMES)
        commands.append_lines(machine_id=trained.pk, received=upload(body, "ask.csv"), purpose="solving")
        return authorize(commands.request_solving(machine_id=trained.pk, by=ada, **given))

    return ask


@pytest.fixture
def trainer(server):
    return Trainer(server, threading.Event())


def table_of(body, kind):
    if kind == "parquet":
        return pq.read_table(BytesIO(body))
    if kind == "arrow":
        return pa.ipc.open_stream(body).read_all()
    names, *lines = [line.split(",") for line in body.decode().splitlines()]
    return pa.table(dict(zip(names, zip(*lines, strict=True), strict=True)))


async def download(client, path):
    answer = await client.get(path)
    return answer, b"".join([chunk async for chunk in answer.streaming_content])


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
async def test_answers_come_as_the_kind_of_file_that_was_asked_for(solving, trainer, ada, api, kind):
    asked = await sync_to_async(solving)(5000, answers=kind)
    assert await sync_to_async(trainer.work_once)()
    work = await Work.objects.aget(pk=asked.pk)
    assert (work.state, work.result_lines) == (WorkState.SUCCEEDED, 5000)
    answer, body = await download(await sync_to_async(api)(ada), f"/api/v1/works/{work.pk}/result")
    table = table_of(body, kind)
    assert answer["Content-Disposition"].endswith(f'solved-{work.pk}.{kind}"')
    assert (table.column_names, table.num_rows) == (["prediction", "p_no", "p_yes"], 5000)
    assert set(table["prediction"].to_pylist()) == {"yes", "no"}


def test_another_kind_is_refused_before_anything_is_held(solving):
    with pytest.raises(BadInput, match="csv, parquet, arrow"):
        solving(10, answers="xlsx")
    assert Work.objects.filter(kind="solving").count() == 0


def test_a_files_lines_count_for_drift(solving, trainer):
    solving(1000)
    trainer.work_once()
    row = DriftCount.objects.get()
    assert row.lines == 512  # a sample of each batch
    assert {name: sum(counts) for name, counts in row.counts.items()} == dict.fromkeys(NAMES, 512)


def test_a_file_is_solved_and_counted_with_its_own_decimal_sign(trained, ada, upload, authorize, trainer):
    body = csv_of([[row[0], f"{row[1]},5", row[2]] for row in buyers(300, seed=3)], NAMES, ";")
    commands.append_lines(machine_id=trained.pk, received=upload(body, "ask.csv"), purpose="solving")
    work = authorize(commands.request_solving(machine_id=trained.pk, by=ada))
    trainer.work_once()
    work.refresh_from_db()
    assert work.state == WorkState.SUCCEEDED
    assert DriftCount.objects.get().counts["income"][-1] == 0  # none is missing


def test_lines_to_learn_from_with_another_decimal_sign_are_refused(trained, upload):
    body = csv_of([[row[0], f"{row[1]},5", *row[2:]] for row in buyers(30, seed=3)], separator=";")
    with pytest.raises(BadInput, match="writes decimals with ','"):
        commands.append_lines(machine_id=trained.pk, received=upload(body, "more.csv"), purpose="learning")


def test_solving_that_is_cancelled_half_way_leaves_no_answers_and_no_charge(solving, trainer, monkeypatch):
    asked = solving(300)
    report = commands.report_progress

    def cancel_and_report(**given):
        work = Work.objects.get(pk=asked.pk)
        if work.is_open:
            commands.cancel_work(work_id=asked.pk)
            # What a child leaves that is killed while it writes; this one may have written nothing yet.
            begun = place(f"results/{work.machine_id}/.{work.pk}-{work.lease_token}.csv.unfinished")
            begun.parent.mkdir(parents=True, exist_ok=True)
            begun.write_text("prediction")
        report(**given)

    monkeypatch.setattr(commands, "report_progress", cancel_and_report)
    trainer.work_once()
    work = Work.objects.get(pk=asked.pk)
    assert (work.state, work.result_path) == (WorkState.CANCELLED, "")
    assert said(ml.SolvingCompleted) == []
    assert list(place(f"results/{work.machine_id}").glob("*")) == []
    assert commands.unsolved_lines(work.machine) != []


async def test_a_file_is_asked_for_through_the_api_in_one_call(trained, ada, api):
    client = await sync_to_async(api)(ada)
    body = csv_of([row[:3] for row in buyers(50, seed=3)], NAMES)
    path = f"/api/v1/machines/{trained.pk}/solve-file"
    answer = await client.post(f"{path}?answers=parquet", body, content_type="text/csv")
    assert (answer.status_code, answer.json()["answers_format"]) == (201, "parquet")
    refused = await client.post(f"{path}?answers=xlsx", body, content_type="text/csv")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "answers")


async def test_nobody_elses_machine_solves_a_file(trained, eve, api):
    client = await sync_to_async(api)(eve)
    for machine_id in (trained.pk, uuid4()):
        answer = await client.post(f"/api/v1/machines/{machine_id}/solve-file", b"age\n1\n", content_type="text/csv")
        assert answer.status_code == 404
