"""Servers: what fits them, what waits for another, and by whose clock."""

import ast
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from ml import commands, hardware, queries
from ml.commands.clock import database_now
from ml.commands.locks import LockLost, TableBusy, must_hold, release_lock, take_lock
from ml.models import Server, Work
from ml.rules.placement import MIB, gpu_for, training_gpu_ram, training_ram
from ml.rules.work import WorkState

COMMANDS = Path(commands.__file__).parent


@pytest.fixture
def queued(training, authorize):
    return authorize(training)


def register(name, **given):
    return commands.register_server(name=name, cpu_count=1, **given)


@pytest.mark.django_db
def test_work_goes_to_a_server_whose_memory_it_fits(queued):
    assert commands.lease_work(server=register("small", ram_bytes=queued.needed_ram_bytes - 1)) is None
    assert commands.lease_work(server=register("large", ram_bytes=queued.needed_ram_bytes)).pk == queued.pk


@pytest.mark.django_db
def test_work_goes_to_a_gpu_that_is_large_enough(queued):
    needed = queued.needed_gpu_bytes // MIB + 1
    assert commands.lease_work(server=register("small", gpu_ram=[needed - 2])) is None
    assert commands.lease_work(server=register("large", gpu_ram=[needed - 2, needed])).pk == queued.pk


def test_the_smallest_gpu_that_is_large_enough_is_taken():
    assert gpu_for([80_000, 24_000, 40_000], 30_000 * MIB) == 2
    assert gpu_for([80_000], 90_000 * MIB) is None


def test_a_large_table_needs_more_memory_up_to_what_is_held_at_once():
    lines = [10_000, 100_000, 2_000_000, 20_000_000]
    needs = [training_ram(columns=30, lines=count, level=5) for count in lines]
    assert needs[0] < needs[1] < needs[2] == needs[3]
    assert needs[3] < 6 * 1024 * MIB
    assert training_gpu_ram(columns=30, level=1) < training_gpu_ram(columns=30, level=5)


@pytest.mark.django_db
def test_work_too_large_for_every_server_says_so(queued):
    assert "No server runs" in queries.why_it_waits(queued)
    register("small", ram_bytes=1)
    assert "which none of the servers that run has" in queries.why_it_waits(queued)
    register("large", ram_bytes=queued.needed_ram_bytes)
    assert queries.why_it_waits(queued) == ""


@pytest.mark.django_db
def test_a_server_that_has_gone_silent_is_not_counted_on(queued):
    register("gone", now=database_now() - timedelta(minutes=5))
    assert "No server runs" in queries.why_it_waits(queued)


@pytest.mark.django_db
def test_a_lock_that_ran_out_goes_to_another_and_fences_the_first(machine):
    now = database_now()
    first = take_lock(machine_id=machine.pk, owner="one", now=now)
    with pytest.raises(TableBusy):
        take_lock(machine_id=machine.pk, owner="two", now=now + timedelta(minutes=29))
    second = take_lock(machine_id=machine.pk, owner="two", now=now + timedelta(minutes=31))
    must_hold(machine_id=machine.pk, token=second)
    with pytest.raises(LockLost):
        must_hold(machine_id=machine.pk, token=first)
    release_lock(machine_id=machine.pk, token=first)
    with pytest.raises(TableBusy):
        take_lock(machine_id=machine.pk, owner="three", now=now + timedelta(minutes=32))


@pytest.mark.parametrize("module", ["leases", "locks", "servers", "clock"])
def test_leases_and_locks_know_no_clock_but_the_databases(module):
    """However wrong a server's own clock is, its leases neither last longer nor run out sooner."""
    used = {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(ast.parse((COMMANDS / f"{module}.py").read_text()))
        if isinstance(node, (ast.Name, ast.Attribute))
    }
    assert not used & {"utc_now", "utcnow", "timezone", "today", "time", "monotonic"}


@pytest.mark.django_db
def test_the_seconds_of_lost_attempts_are_among_those_it_took(queued, server, stored):
    start = database_now()
    first = commands.lease_work(server=server, now=start)
    lease = {"work_id": first.pk, "token": first.lease_token}
    commands.begin_work(**lease, now=start)
    commands.report_progress(**lease, progress=[], now=start + timedelta(seconds=10))
    commands.lose_attempt(**lease, reason="it broke", now=start + timedelta(seconds=11))
    second = commands.lease_work(server=server, now=start + timedelta(seconds=60))
    lease = {"work_id": second.pk, "token": second.lease_token}
    commands.begin_work(**lease, now=start + timedelta(seconds=60))
    commands.finish_training(**lease, model=stored(second), now=start + timedelta(seconds=65))
    work = Work.objects.get(pk=second.pk)
    assert (work.state, work.real_seconds) == (WorkState.SUCCEEDED, 15.0)
    assert "Attempt 1 was lost: it broke." in work.text_warning


@pytest.mark.django_db
def test_the_loss_curve_goes_on_where_another_server_goes_on(queued, server):
    def reported(work, *steps):
        looks = [
            {"stage": "training", "percent": 1.0, "step": step, "train_loss": work.attempts, "validation_loss": 1.0}
            for step in steps
        ]
        commands.report_progress(work_id=work.pk, token=work.lease_token, progress=looks)

    reported(commands.lease_work(server=server), 25, 50, 75)
    commands.give_up_expired_leases(now=database_now() + timedelta(minutes=1))
    reported(commands.lease_work(server=server), 50, 75, 100)
    points = Work.objects.get(pk=queued.pk).loss_points
    assert [(step, attempt) for step, attempt, _ in points] == [(25, 1), (50, 2), (75, 2), (100, 2)]


@pytest.mark.django_db
def test_what_changed_is_flagged_with_all_that_is_made_of_it(trained):
    def flagged(machine):
        parts = ("mdc", "ici", "fe", "enc_dec", "nn_config", "model")
        return [part for part in parts if getattr(machine, f"machine_is_re_run_{part}")]

    assert flagged(trained) == []
    named = commands.change_machine(machine_id=trained.pk, name="another")
    assert flagged(named) == []
    changed = commands.change_machine(machine_id=trained.pk, network={"parameter_nn_optimizer": "sgd"})
    assert flagged(changed) == ["nn_config", "model"]
    corrected = commands.correct_machine(machine_id=trained.pk, types={"age": "LABEL"})
    assert flagged(corrected) == ["mdc", "ici", "fe", "enc_dec", "nn_config", "model"]


@pytest.mark.django_db
def test_what_open_work_has_kept_is_not_cleared_away_and_what_ended_work_left_is(queued):
    import time

    from ml.store import place

    mine, orphan = place(queued.checkpoints) / "1", place(f"checkpoints/{queued.machine_id}/ended-long-ago") / "1"
    last, gone = place(f"parts/{queued.machine_id}/last"), place("parts/a-machine-that-is-gone/last")
    for folder in (mine, orphan, last, gone):
        folder.mkdir(parents=True)
    commands.clean_store(now=time.time() + 3700)
    assert [folder.exists() for folder in (mine, orphan, last, gone)] == [True, False, True, False]


@pytest.mark.django_db
def test_a_server_keeps_its_place_and_tells_what_it_has():
    first = register("one", ram_bytes=1)
    register("one", ram_bytes=2, gpu_ram=[80_000])
    [server] = Server.objects.all()
    assert (server.pk, server.server_ram_bytes, server.server_gpu_ram) == (first.pk, 2, [80_000])


def test_the_memory_is_what_the_machine_or_its_limit_allows(tmp_path):
    limit = tmp_path / "memory.max"
    limit.write_text("1048576\n")
    assert hardware.ram_bytes([limit, tmp_path / "missing"]) == 1048576
    limit.write_text("max\n")
    assert hardware.ram_bytes([limit]) > 1048576


def test_a_server_told_to_use_a_gpu_where_none_is_says_so(monkeypatch):
    monkeypatch.setattr(hardware, "gpu_ram", list)
    with pytest.raises(hardware.NoGpu, match="Start the server without --gpu"):
        hardware.gpus_to_work_with()


def test_a_gpu_without_the_support_of_jax_names_the_extra(monkeypatch):
    monkeypatch.setattr(hardware, "gpu_ram", lambda: [80_000])
    monkeypatch.setattr(hardware, "find_spec", lambda name: None)
    with pytest.raises(hardware.NoGpu, match=r"titan-ml\[gpu\]"):
        hardware.gpus_to_work_with()


def test_the_children_of_a_server_with_gpus_compute_on_the_one_that_was_chosen(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    environment = hardware.gpu_environment(3)
    assert (environment["JAX_PLATFORMS"], environment["CUDA_VISIBLE_DEVICES"]) == ("cuda", "3")


def test_servers_of_one_machine_share_its_gpus_out(monkeypatch):
    answer = subprocess.CompletedProcess((), 0, stdout="81559\n24576\n40960\n")
    monkeypatch.setattr(hardware.subprocess, "run", lambda *_, **__: answer)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert hardware.gpu_ram() == [81559, 24576, 40960]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,1")
    assert hardware.gpu_ram() == [40960, 24576]
    assert hardware.gpu_environment(0)["CUDA_VISIBLE_DEVICES"] == "2"


def test_a_server_without_a_store_says_how_to_name_one(monkeypatch):
    from typer.testing import CliRunner

    from ml.server_command import app

    monkeypatch.delenv("TITAN_DATABASE_URL", raising=False)
    answer = CliRunner().invoke(app, ["--name", "gpu1"])
    assert answer.exit_code == 1
    assert "TITAN_DATABASE_URL" in answer.output


def test_another_server_finds_what_was_kept_although_it_sees_the_files_elsewhere(tmp_path):
    from ml.jobs.training import _checkpoints

    def job(mount, attempt, **changed):
        plan = {"outputs": ["y"], "ignore": [], "types": {}, "seed": 1} | changed
        place = {"home": str(tmp_path), "attempt": attempt, "work": "a work", "kept": None}
        return {"stretches": [{"path": f"{mount}/lines/1.csv"}], "plan": plan, "checkpoints": place}

    first, second = _checkpoints(job("/here", 1)), _checkpoints(job("/there", 2))
    assert first.part("networks").name == second.part("networks").name
    assert second.earlier == []
    first.part("networks").write({}, {}, is_whole=False)
    assert _checkpoints(job("/there", 3)).part("networks").read() is not None
    assert _checkpoints(job("/there", 3, seed=2)).part("networks").read() is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not hardware.gpu_ram(), reason="test_training_on_a_gpu: there is no GPU here")
def test_training_on_a_gpu(training, authorize):
    import threading

    from ml.trainer import Trainer

    authorize(training)
    gpus = hardware.gpus_to_work_with()
    assert Trainer(register("gpu1", gpu_ram=gpus), threading.Event()).work_once()
    work = Work.objects.get(pk=training.pk)
    assert work.state == WorkState.SUCCEEDED
    assert work.machine.training_hardware.endswith("gpu")
