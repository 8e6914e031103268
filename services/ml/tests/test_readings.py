"""Large uploads are read as work: progress, an end with a machine or a reason, and nothing half made on the way."""

import json
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from event_bus.testing import said
from ml import commands
from ml.commands.clock import database_now
from ml.jobs.protocol import ChildFailed, ask
from ml.models import DataLine, Machine, TableReading, Work
from ml.readings import read_smaller_uploads, read_uploads
from ml.rules.readings import LATER, LEASE, MOST_OPEN
from ml.rules.work import LeaseLost
from ml.store import digest_of, place
from ml.tests.world import TABLE, buyers, csv_of
from service_base.errors import BadInput, Conflict
from shared_models.events import ml

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def all_are_large(monkeypatch):
    """Each upload counts as a large one, and no file is there yet."""
    for entry in files():
        entry.unlink()
    for module in ("ml.uploads", "ml.api.machines", "ml.pages.setup"):
        monkeypatch.setattr(f"{module}.READ_AT_ONCE", 1)


@pytest.fixture
async def hers(ada, api):
    return await sync_to_async(api)(ada)


@pytest.fixture
def reading(ada, upload):
    """Ada's upload that waits to be read into a machine."""
    received = upload()
    asked = commands.MachineAsked(name="Buyers", outputs=["bought"])
    return commands.request_reading(by=ada, purpose="machine", received=received, asked=asked.to_json())


def files():
    return [entry for kind in ("incoming", "uploads", "lines") for entry in place(kind).rglob("*") if entry.is_file()]


async def send(client, content, path="/api/v1/machines?file_name=t.csv", **headers):
    return await client.post(path, content, content_type="application/octet-stream", headers=headers)


def test_a_large_upload_is_accepted_and_becomes_the_machine_that_was_asked_for(ada, api):
    client = api(ada)
    query = "machine_name=Buyers&outputs=bought&ignore=city&machine_level=2&file_name=t.csv"
    answer = async_to_sync(send)(client, TABLE, f"/api/v1/machines?{query}")
    assert answer.status_code == 202
    assert (answer.json()["state"], answer["Location"]) == ("queued", f"/api/v1/readings/{answer.json()['id']}")
    assert Machine.objects.count() == 0
    assert read_uploads() == 1
    told = async_to_sync(client.get)(answer["Location"]).json()
    assert (told["state"], told["progress"]) == ("succeeded", {"percent": 100.0, "lines": 300})
    machine = Machine.objects.get(pk=told["machine_id"])
    assert (machine.machine_name, machine.machine_level, machine.ignored_columns) == ("Buyers", 2, ["city"])
    assert [digest_of(path) for path in files()] == [machine.data_lines.get().sha256]
    assert len(said(ml.MachineChanged)) == 1


async def test_the_same_large_upload_under_one_key_is_one_reading(hers):
    first = await send(hers, TABLE, **{"idempotency-key": "one"})
    second = await send(hers, TABLE, **{"idempotency-key": "one"})
    assert (second.status_code, second["Location"]) == (202, first["Location"])
    assert await TableReading.objects.acount() == 1


@pytest.mark.parametrize(
    ("content", "query", "field"),
    [
        (b"\x89PNG" + bytes(99), "", "file"),
        (TABLE, "&machine_level=9", "machine_level"),
        (TABLE, '&types={"age":"COLOUR"}', "age"),
        (TABLE, '&dialect={"encoding":"rot13"}', "encoding"),
        (TABLE, "&parameter_nn_loss=x", "parameter_nn_loss"),
        (TABLE, "&machine_name=__x__", "machine_name"),
    ],
)
async def test_what_can_be_told_at_once_is_refused_at_once(hers, content, query, field):
    answer = await send(hers, content, f"/api/v1/machines?file_name=t.csv{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert not await TableReading.objects.aexists()
    assert files() == []


def test_what_shows_only_when_it_is_read_ends_the_reading_with_the_reason_and_the_field(ada, api):
    client = api(ada)
    answer = async_to_sync(send)(client, TABLE, "/api/v1/machines?outputs=height")
    read_uploads()
    told = async_to_sync(client.get)(answer["Location"]).json()
    assert (told["state"], told["field"], told["machine_id"]) == ("failed", "outputs", None)
    assert "height" in told["reason"]
    assert (Machine.objects.count(), files()) == (0, [])


def test_a_reading_is_found_by_nobody_else(reading, eve, api, browser):
    assert async_to_sync(api(eve).get)(f"/api/v1/readings/{reading.pk}").status_code == 404
    assert async_to_sync(api(eve).post)(f"/api/v1/readings/{reading.pk}/cancel").status_code == 404
    assert async_to_sync(browser(eve).get)(f"/readings/{reading.pk}").status_code == 404
    assert async_to_sync(api(eve).get)("/api/v1/readings").json()["items"] == []


def test_a_cancelled_reading_keeps_nothing_and_is_not_taken_up(reading, ada, api):
    answer = async_to_sync(api(ada).post)(f"/api/v1/readings/{reading.pk}/cancel")
    assert answer.json()["state"] == "cancelled"
    assert (read_uploads(), Machine.objects.count(), files()) == (0, 0, [])
    again = async_to_sync(api(ada).post)(f"/api/v1/readings/{reading.pk}/cancel")
    assert (again.status_code, again.json()["type"].rsplit("/", 1)[1]) == (409, "reading-ended")


def test_cancelling_while_it_is_read_ends_the_child(reading, monkeypatch):
    from ml.jobs import protocol

    killed = []

    class Endless(protocol.Child):
        def messages(self, timeout):
            commands.cancel_reading(reading_id=reading.pk)
            return [{"lines": 4, "percent": 1.5}]

        def kill(self):
            killed.append(self)
            super().kill()

    monkeypatch.setattr(protocol, "Child", Endless)
    assert read_uploads() == 1
    reading.refresh_from_db()
    assert (reading.state, len(killed), files(), Machine.objects.count()) == ("cancelled", 1, [], 0)


def test_progress_is_kept_while_it_is_read(reading):
    leased = commands.lease_reading()
    commands.report_reading(reading_id=leased.pk, token=leased.lease_token, percent=41.7, lines=1200)
    reading.refresh_from_db()
    assert (reading.state, reading.progress_percent, reading.lines_read) == ("running", 41.7, 1200)


def test_a_slower_worker_stores_nothing(reading):
    slow = commands.lease_reading()
    quick = commands.lease_reading(now=database_now() + 2 * LEASE)
    assert (quick.pk, quick.lease_token) == (slow.pk, slow.lease_token + 1)
    with pytest.raises(LeaseLost):
        commands.report_reading(reading_id=slow.pk, token=slow.lease_token, percent=5, lines=5)
    with pytest.raises(LeaseLost):
        commands.fail_reading(reading_id=slow.pk, token=slow.lease_token, reason="x")


def test_a_machine_whose_reading_was_lost_meanwhile_is_not_made(reading, monkeypatch):
    create = commands.create_machine

    def create_and_lose(**given):
        TableReading.objects.update(lease_token=99)
        return create(**given)

    monkeypatch.setattr(commands, "create_machine", create_and_lose)
    read_uploads()
    assert (Machine.objects.count(), DataLine.objects.count()) == (0, 0)
    assert said(ml.MachineChanged) == []
    # The file stays for whoever has the reading now.
    assert place(reading.path) in files()


def test_a_child_that_breaks_is_tried_again_and_given_up_after_the_third_time(reading, monkeypatch):
    def broken(module, job, hear=None):
        raise ChildFailed("This broke down half way (killed); nothing was kept. Try again.")

    monkeypatch.setattr("ml.commands.reading.ask", broken)
    for attempt in (1, 2, 3):
        TableReading.objects.update(lease_expires_at=None)
        assert read_uploads() == 1
        reading.refresh_from_db()
        assert reading.attempts == attempt
    assert (reading.state, files()) == ("failed", [])
    assert "3 attempts" in reading.reason
    assert "broke down" in reading.reason


def test_a_worker_that_was_killed_costs_one_attempt_only(reading):
    commands.lease_reading()
    TableReading.objects.update(lease_expires_at=database_now() - timedelta(seconds=1))
    assert read_uploads() == 1
    reading.refresh_from_db()
    assert (reading.state, reading.attempts, Machine.objects.count()) == ("succeeded", 2, 1)


def test_smaller_uploads_do_not_wait_behind_large_ones(reading, monkeypatch):
    monkeypatch.setattr("ml.readings.SOON", reading.size_bytes - 1)
    assert read_smaller_uploads() == 0
    assert read_uploads() == 1


def test_a_person_has_only_so_many_at_a_time(ada, upload, api):
    for _ in range(MOST_OPEN):
        commands.request_reading(by=ada, purpose="machine", received=upload())
    answer = async_to_sync(send)(api(ada), TABLE)
    assert answer.status_code == 429
    assert place("incoming").exists()
    assert len(files()) == MOST_OPEN


def test_a_large_file_is_appended_as_work(machine, ada, api):
    client = api(ada)
    path = f"/api/v1/machines/{machine.pk}/lines/file"
    answer = async_to_sync(send)(client, csv_of(buyers(50, seed=4)), path)
    assert answer.status_code == 202
    read_uploads()
    machine.refresh_from_db()
    assert machine.learning_lines + machine.evaluation_lines == 350
    told = async_to_sync(client.get)(answer["Location"]).json()
    assert (told["state"], told["machine_id"], told["progress"]["lines"]) == ("succeeded", str(machine.pk), 50)


def test_lines_that_do_not_fit_leave_the_machine_as_it_was(machine, ada, api):
    content = csv_of([["1", "2", "no"]] * 50, ["age", "height", "bought"])
    async_to_sync(send)(api(ada), content, f"/api/v1/machines/{machine.pk}/lines/file")
    read_uploads()
    reading = TableReading.objects.get()
    assert (reading.state, reading.reason_field, DataLine.objects.count()) == ("failed", "height", 1)


def test_lines_wait_for_a_training_that_reads_the_machines_lines(machine, training, ada, upload):
    reading = commands.request_reading(by=ada, purpose="learning", received=upload(), machine=machine)
    read_uploads()
    reading.refresh_from_db()
    assert (reading.state, reading.attempts) == ("queued", 0)
    assert "being trained" in reading.reason
    commands.cancel_work(work_id=training.pk)
    TableReading.objects.update(lease_expires_at=database_now() - LATER)
    read_uploads()
    reading.refresh_from_db()
    assert reading.state == "succeeded"


def test_nothing_is_sent_to_a_machine_that_is_being_trained(machine, training, ada, upload):
    with pytest.raises(Conflict, match="being trained"):
        commands.append_by_work(machine, upload(), "learning", by=ada)


def test_a_large_file_to_be_solved_becomes_work_once_it_is_read(trained, ada, api):
    client = api(ada)
    answer = async_to_sync(send)(client, csv_of(buyers(40, seed=5)), f"/api/v1/machines/{trained.pk}/solve-file")
    assert answer.status_code == 202
    read_uploads()
    told = async_to_sync(client.get)(answer["Location"]).json()
    work = Work.objects.get(kind="solving")
    assert (told["work_id"], work.solving_lines, work.state) == (str(work.pk), 40, "awaiting_funds")


def test_a_large_table_is_corrected_as_work(machine, ada, api):
    client, path = api(ada), f"/api/v1/machines/{machine.pk}/columns"
    body = json.dumps({"types": {"age": "LABEL"}})
    answer = async_to_sync(client.patch)(path, body, content_type="application/json")
    assert answer.status_code == 202
    again = async_to_sync(client.patch)(path, body, content_type="application/json")
    assert again.status_code == 409
    read_uploads()
    machine.refresh_from_db()
    assert machine.mdc_columns_data_type["age"] == "LABEL"


def test_another_limit_of_lines_of_a_large_table_is_read_as_work_and_the_rest_changed_at_once(machine, ada, api):
    client, path = api(ada), f"/api/v1/machines/{machine.pk}"
    body = json.dumps({"machine_name": "Fewer", "machine_data_lines_training_count_limit": 100})
    answer = async_to_sync(client.patch)(path, body, content_type="application/json")
    assert (answer.status_code, answer["Location"]) == (202, f"/api/v1/readings/{answer.json()['id']}")
    machine.refresh_from_db()
    assert (machine.machine_name, machine.line_limit, machine.learning_lines > 100) == ("Fewer", None, True)
    read_uploads()
    machine.refresh_from_db()
    assert (machine.line_limit, machine.learning_lines + machine.evaluation_lines) == (100, 100)


def test_a_limit_that_cannot_be_read_now_changes_nothing_else_either(machine, ada, api):
    client, path = api(ada), f"/api/v1/machines/{machine.pk}"
    commands.correct_by_work(machine, by=ada, changes={"ignore": ["city"]})
    body = json.dumps({"machine_name": "Fewer", "machine_data_lines_training_count_limit": 100})
    assert async_to_sync(client.patch)(path, body, content_type="application/json").status_code == 409
    machine.refresh_from_db()
    assert machine.machine_name == "buyers"


def test_a_correction_that_cannot_be_is_refused_at_once(machine, ada):
    for changes, field in (({"outputs": ["height"]}, "outputs"), ({"dialect": {"sheet": "x"}}, "sheet")):
        with pytest.raises(BadInput) as refused:
            commands.correct_by_work(machine, by=ada, changes=changes)
        assert refused.value.field == field


def test_a_file_that_is_gone_from_the_store_is_said_so(reading):
    place(reading.path).unlink()
    read_uploads()
    reading.refresh_from_db()
    assert (reading.state, reading.reason) == ("failed", "The file is not in the store any more; send it again.")


@pytest.mark.parametrize("what", ["link", "mkdir"])
def test_a_full_disk_while_it_is_read_leaves_nothing_half_made(reading, monkeypatch, what):
    def full(*given, **more):
        raise OSError(28, "No space left on device")

    place_of = {"link": "os.link", "mkdir": "Path.mkdir"}
    with monkeypatch.context() as patched:
        patched.setattr(f"service_base.object_store.{place_of[what]}", full)
        read_uploads()
    reading.refresh_from_db()
    assert (reading.state, Machine.objects.count(), DataLine.objects.count()) == ("queued", 0, 0)
    assert "disk of the data directory is full" in reading.reason
    assert files() == [place(reading.path)]
    TableReading.objects.update(lease_expires_at=None)
    read_uploads()
    assert Machine.objects.count() == 1


async def test_a_full_disk_when_it_comes_in_leaves_no_reading(hers, monkeypatch):
    def full(*given, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("service_base.object_store.Path.replace", full)
    answer = await send(hers, TABLE)
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (503, "store-full")
    assert not await TableReading.objects.aexists()
    assert files() == []


def test_uploads_that_nobody_waits_for_are_cleared_away_and_others_stay(reading, ada):
    import os

    orphan = place(f"uploads/{ada.pk}/orphan")
    orphan.write_bytes(b"x")
    for path in (orphan, place(reading.path)):
        os.utime(path, (0, 0))
    assert commands.clean_store() == 1
    assert files() == [place(reading.path)]


@pytest.fixture
def slow_child(monkeypatch):
    """A child that is listened to before it has an answer."""

    def slow(module, job, hear):
        hear([])
        return ask(module, job, hear)

    monkeypatch.setattr("ml.commands.reading.ask", slow)


@pytest.fixture
def reading_takes_long(monkeypatch, slow_child):
    """Files are small again, but a request waits for none."""
    for module in ("ml.uploads", "ml.api.machines", "ml.pages.setup"):
        monkeypatch.setattr(f"{module}.READ_AT_ONCE", 1 << 30)
    monkeypatch.setattr("ml.uploads.AT_ONCE_SECONDS", -1.0)


def test_a_small_file_that_takes_long_is_read_as_work_after_all(machine, trained, ada, api, reading_takes_long):
    client = api(ada)
    paths = [
        "/api/v1/machines",
        f"/api/v1/machines/{machine.pk}/lines/file",
        f"/api/v1/machines/{trained.pk}/solve-file",
    ]
    for path in paths:
        answer = async_to_sync(send)(client, TABLE, path, **{"idempotency-key": path[-20:]})
        assert (answer.status_code, answer.json()["state"]) == (202, "queued"), path
    body = json.dumps({"types": {"age": "LABEL"}})
    answer = async_to_sync(client.patch)(f"{paths[0]}/{machine.pk}/columns", body, content_type="application/json")
    assert answer.status_code == 202
    while read_uploads():
        TableReading.objects.filter(state="queued").update(lease_expires_at=None)
    assert {reading.state for reading in TableReading.objects.all()} == {"succeeded"}
    assert (Machine.objects.count(), Work.objects.filter(kind="solving").count()) == (2, 1)


def test_a_reading_without_end_is_given_up(reading, monkeypatch, slow_child):
    monkeypatch.setattr("ml.readings.LONGEST_READING", timedelta(seconds=-1))
    read_uploads()
    reading.refresh_from_db()
    assert (reading.state, reading.reason_field, Machine.objects.count()) == ("failed", "file", 0)
    assert "send a part of it" in reading.reason


def test_a_worker_that_is_to_stop_gives_back_what_it_reads_at_no_attempt(reading, slow_child):
    looks = iter([False, True, True])
    assert read_uploads(lambda: next(looks)) == 1
    reading.refresh_from_db()
    assert (reading.state, reading.attempts, Machine.objects.count()) == ("queued", 0, 0)
    assert files() == [place(reading.path)]
