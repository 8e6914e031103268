"""The three embedded servers, for real, on loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from titan import process
from titan.embedded.postgres import postgres
from titan.embedded.valkey import valkey


def kill_everything_of(home: Path) -> None:
    for pid in process.of_stack(home):
        process.signal_quietly(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while process.of_stack(home) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_postgres_keeps_committed_rows_across_kill_minus_nine(tmp_path: Path) -> None:
    with postgres(tmp_path) as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept VALUES (7)")
        kill_everything_of(tmp_path)

    with postgres(tmp_path) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]


def frozen_children(pid: int) -> list[psutil.Process]:
    """Those that stay; what only starts or tidies up may be gone by now."""
    frozen = []
    for child in psutil.Process(pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.suspend()
            frozen.append(child)
    return frozen


def test_postgres_starts_although_children_of_a_killed_server_did_not_notice(tmp_path: Path) -> None:
    with postgres(tmp_path):
        children = frozen_children(int((tmp_path / "pg" / "postmaster.pid").read_text().split()[0]))
        assert children
        kill_everything_of(tmp_path)

    with postgres(tmp_path) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not any(child.is_running() for child in children)


def test_postgres_starts_although_a_dead_server_left_the_pid_of_a_living_process(tmp_path: Path) -> None:
    with postgres(tmp_path):
        pass
    stale = tmp_path / "pg" / "postmaster.pid"
    stale.write_text(f"{os.getppid()}\n{tmp_path / 'pg'}\n0\n5432\n\n\n\n")

    with postgres(tmp_path) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_interrupted_first_start_of_postgres_is_begun_anew(tmp_path: Path) -> None:
    half = tmp_path / "pg.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")

    with postgres(tmp_path) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_postgres_refuses_a_wrong_password(tmp_path: Path) -> None:
    with (
        postgres(tmp_path, password="right") as url,
        pytest.raises(psycopg.OperationalError, match="password"),
    ):
        psycopg.connect(url.replace("right", "wrong"))


def test_valkey_answers_and_leaves_nothing_running(tmp_path: Path) -> None:
    import valkey as client

    with valkey(tmp_path) as url:
        connection = client.Valkey.from_url(url)
        connection.set("a", "b")
        assert connection.get("a") == b"b"
        connection.close()
    assert process.of_stack(tmp_path) == []
