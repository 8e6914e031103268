"""The trainer: from queued work to a machine that solves, in real child processes."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError, connection
from structlog.testing import capture_logs

from event_bus.testing import said
from ml import commands, queries
from ml.models import Machine, Work
from ml.rules.work import WorkState
from ml.store import place
from ml.tests.world import buyers, csv_of
from ml.trainer import Trainer
from shared_models.events import ml

pytestmark = pytest.mark.django_db(transaction=True)


async def download(client, path):
    answer = await client.get(path)
    return b"".join([chunk async for chunk in answer.streaming_content]).decode()


def kill_children():
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
    for child in children:
        # Others may be the test session's own servers, or be gone by now.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if b"ml.jobs" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)


@pytest.fixture
def trainer(server):
    return Trainer(server, threading.Event())


def test_a_queued_training_becomes_a_machine_that_solves(training, authorize, trainer):
    authorize(training)
    assert trainer.work_once()
    work = Work.objects.get(pk=training.pk)
    assert (work.state, work.reason, work.attempts) == (WorkState.SUCCEEDED, "", 1)
    assert work.loss_points
    assert work.real_seconds > 0
    machine = Machine.objects.get(pk=work.machine_id)
    assert machine.training_evaluation_accuracy > 0.7
    assert [event.work_id for event in said(ml.WorkStarted)] == [work.pk]
    assert not trainer.work_once()


def test_a_table_too_small_to_learn_from_fails_with_the_reason_and_no_charge(machine_of, ada, authorize, trainer):
    from decimal import Decimal

    small = machine_of(ada, csv_of(buyers(30)))
    asked = commands.request_training(machine_id=small.pk, by=ada, level=1, estimated_seconds=1, quoted_eaml=Decimal(1))
    authorize(asked)
    trainer.work_once()
    work = Work.objects.get(pk=asked.pk)
    assert work.state == WorkState.FAILED
    assert "at least 50" in work.reason
    assert said(ml.TrainingCompleted) == []
    assert list(place(f"models/{small.pk}").glob("*")) == []


def test_work_cancelled_while_it_runs_leaves_no_model(training, authorize, trainer, monkeypatch):
    authorize(training)
    begin = commands.begin_work

    def begin_and_cancel(**lease):
        begin(**lease)
        commands.cancel_work(work_id=lease["work_id"])

    monkeypatch.setattr(commands, "begin_work", begin_and_cancel)
    trainer.work_once()
    assert Work.objects.get(pk=training.pk).state == WorkState.CANCELLED
    assert not Machine.objects.get(pk=training.machine_id).is_trained
    assert said(ml.TrainingCompleted) == []


def test_a_child_that_dies_gives_the_work_another_attempt(training, authorize, trainer, monkeypatch):
    authorize(training)
    begin = commands.begin_work

    def begin_and_kill(**lease):
        begin(**lease)
        kill_children()

    monkeypatch.setattr(commands, "begin_work", begin_and_kill)
    trainer.work_once()
    work = Work.objects.get(pk=training.pk)
    assert (work.state, work.attempts) == (WorkState.QUEUED, 1)
    assert "Attempt 1 was lost" in work.text_warning[0]


@pytest.mark.parametrize("stage", ["analysing", "encoding", "evaluating"])
def test_a_training_killed_at_any_stage_is_one_model_and_one_charge(training, authorize, trainer, monkeypatch, stage):
    authorize(training)
    report, is_killed = commands.report_progress, []

    def report_and_kill(*, progress, **lease):
        report(progress=progress, **lease)
        if not is_killed and any(said["stage"] == stage for said in progress):
            is_killed.append(stage)
            kill_children()

    monkeypatch.setattr(commands, "report_progress", report_and_kill)
    with capture_logs() as logs:
        assert trainer.work_once()
        assert Work.objects.get(pk=training.pk).state == WorkState.QUEUED
        assert trainer.work_once()
    work = Work.objects.get(pk=training.pk)
    assert (work.state, work.attempts) == (WorkState.SUCCEEDED, 2)
    assert [event.work_id for event in said(ml.TrainingCompleted)] == [work.pk]
    assert [folder.name for folder in place(f"models/{work.machine_id}").iterdir()] == [f"{work.pk}-2"]
    assert not place(work.checkpoints).exists()
    [finished] = [line for line in logs if line["event"] == "work.finished"]
    assert bool(finished["resumed"]) == (stage == "evaluating")


def test_a_trainer_killed_with_all_its_memory_loses_its_lease_and_nothing_else(training, authorize, trainer):
    authorize(training)
    url = urlsplit(os.environ["TITAN_DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = {**os.environ, "TITAN_DATABASE_URL": urlunsplit(url)}
    other = subprocess.Popen([sys.executable, "-m", "ml.trainer", "--name", "other"], env=environment)
    try:
        for _ in range(2000):
            work = Work.objects.get(pk=training.pk)
            if work.progress_stage in ("encoding", "training"):
                break
            threading.Event().wait(0.1)
        assert work.state == WorkState.RUNNING
    finally:
        other.kill()
        other.wait()
    assert not trainer.work_once()
    late = Work.objects.get(pk=training.pk).lease_expires_at + timedelta(seconds=1)
    assert commands.give_up_expired_leases(now=late) == 1
    assert trainer.work_once()
    work = Work.objects.get(pk=training.pk)
    assert (work.state, work.attempts) == (WorkState.SUCCEEDED, 2)
    assert len(said(ml.TrainingCompleted)) == 1
    assert [folder.name for folder in place(f"models/{work.machine_id}").iterdir()] == [f"{work.pk}-2"]


def test_a_restart_of_the_database_costs_no_attempt(training, authorize, trainer, monkeypatch):
    authorize(training)
    report, finish, away = commands.report_progress, commands.finish_training, [3, 1]

    def report_or_fail(**given):
        away[0] -= 1
        if away[0] >= 0:
            raise OperationalError("terminating connection due to administrator command")
        report(**given)

    def finish_and_fail(**given):
        """The answer to the commit is lost, the commit is not."""
        finish(**given)
        away[1] -= 1
        if away[1] >= 0:
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(commands, "report_progress", report_or_fail)
    monkeypatch.setattr(commands, "finish_training", finish_and_fail)
    trainer.work_once()
    work = Work.objects.get(pk=training.pk)
    assert (work.state, work.attempts) == (WorkState.SUCCEEDED, 1)
    assert len(said(ml.TrainingCompleted)) == 1
    assert place(Machine.objects.get(pk=work.machine_id).training_nn_model.folder).is_dir()


def test_a_second_training_builds_only_what_changed(training, authorize, trainer, ada):
    """Other trees or a longer search leave the networks as they are; another optimizer does not."""

    def trained_again(**network):
        machine = commands.change_machine(machine_id=training.machine_id, network=network)
        offer = queries.offer(machine, 1)
        asked = commands.request_training(
            machine_id=machine.pk, by=ada, level=1, estimated_seconds=1, quoted_eaml=offer.price_eaml
        )
        authorize(asked)
        with capture_logs() as logs:
            trainer.work_once()
        model = place(Machine.objects.get(pk=machine.pk).training_nn_model.folder)
        [finished] = [line for line in logs if line["event"] == "work.finished"]
        return finished["resumed"], (model / "model.onnx").read_bytes()

    authorize(training)
    trainer.work_once()
    first = place(Machine.objects.get(pk=training.machine_id).training_nn_model.folder)
    first = (first / "model.onnx").read_bytes()
    resumed, same = trained_again(parameter_nn_shape={"network_only": True})
    assert resumed
    assert same == first
    resumed, other = trained_again(parameter_nn_optimizer="rmsprop")
    assert not resumed
    assert other != first


def test_a_trainer_that_is_stopped_gives_its_work_back(training, authorize, trainer):
    authorize(training)
    trainer.stop.set()
    trainer.work_once()
    work = Work.objects.get(pk=training.pk)
    assert (work.state, work.attempts) == (WorkState.QUEUED, 0)


def test_a_file_is_solved_as_work_and_charged_by_its_hold(trained, ada, upload, authorize, trainer, browser):

    lines = csv_of([row[:3] for row in buyers(120, seed=5)], ["age", "income", "city"])
    line = commands.append_lines(machine_id=trained.pk, received=upload(lines, "ask.csv"), purpose="solving")
    asked = commands.request_solving(machine_id=trained.pk, by=ada, data_line_ids=[line.pk])
    authorize(asked)
    trainer.work_once()
    work = Work.objects.get(pk=asked.pk)
    assert (work.state, work.result_lines) == (WorkState.SUCCEEDED, 120)
    answers = place(work.result_path).read_text().splitlines()
    assert answers[0].split(",") == ["prediction", "p_no", "p_yes"]
    assert len(answers) == 121
    [event] = said(ml.SolvingCompleted)
    assert (event.work_id, event.lines, event.channel) == (work.pk, 120, "own")
    line.refresh_from_db()
    assert line.is_solved
    assert async_to_sync(download)(browser(ada), f"/works/{work.pk}/result").splitlines() == answers


def test_a_child_ends_with_its_parent():
    """The parent is killed while the child waits; the child must not go on alone."""
    code = (
        "import os, sys; from ml.jobs.protocol import Child;"
        "c = Child('ml.tests.sleeper', {}); print(c.process.pid, flush=True); c.messages(30); os.kill(os.getpid(), 9)"
    )
    parent = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    child = int(parent.stdout)
    for _ in range(100):
        state = Path(f"/proc/{child}/status")
        if not state.exists() or "zombie" in state.read_text():
            return
        threading.Event().wait(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child outlived its parent")
