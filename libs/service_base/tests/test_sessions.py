"""A worker's database sessions are its own, and the server ends them when it stalls."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from service_base import sessions

Connect = Callable[[], psycopg.Connection[Any]]


class PooledClient:
    """A client of a pooler in transaction mode: each transaction on whichever server session was let go of last."""

    def __init__(self, idle: list[psycopg.Connection[Any]], connect: Connect) -> None:
        self._idle = idle
        self._connect = connect
        self._session: psycopg.Connection[Any] | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._session = self._idle.pop() if self._idle else self._connect()
        with self._session.transaction():
            yield
        self._idle.append(self._session)
        self._session = None

    def execute(self, query: str, parameters: Any = None) -> Any:
        if self._session is not None:
            return self._session.execute(query, parameters)
        with self.transaction():
            return self.execute(query, parameters)

    def close(self) -> None:
        """The pooler keeps the server's session."""


@pytest.fixture
def connect(postgres_url: str) -> Iterator[Connect]:
    opened: list[psycopg.Connection[Any]] = []

    def new() -> psycopg.Connection[Any]:
        opened.append(psycopg.connect(postgres_url, autocommit=True))
        return opened[-1]

    yield new
    for connection in opened:
        connection.close()


def test_a_direct_connection_holds_its_lock(connect: Connect) -> None:
    sessions.prove_direct(connect)


def test_a_pooler_in_transaction_mode_is_refused_in_one_sentence(connect: Connect) -> None:
    idle: list[psycopg.Connection[Any]] = []
    with pytest.raises(sessions.SharedSession, match="TITAN_DATABASE_URL") as refused:
        sessions.prove_direct(lambda: PooledClient(idle, connect))
    assert "\n" not in str(refused.value)


def test_what_proves_nothing_is_left_behind(connect: Connect, postgres_url: str) -> None:
    sessions.prove_direct(connect)
    own = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database AND datname = current_database()"
    held = connect().execute(f"{own} WHERE locktype = 'advisory' AND classid = 0").fetchone()
    assert held == (0,)


def test_every_connection_of_a_worker_has_its_bounds(db: None, settings: Any) -> None:
    sessions.bind(settings.DATABASES)
    sessions.bind(settings.DATABASES)  # a second time changes nothing
    with sessions.connect() as connection:
        shown = [
            connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]
            for name in ("idle_in_transaction_session_timeout", "tcp_keepalives_idle", "tcp_keepalives_count")
        ]
    assert shown == ["30s", "10", "3"]


@pytest.mark.parametrize(("mode", "is_direct"), [("transaction", False), ("session", True)])
@pytest.mark.skipif(shutil.which("pgbouncer", path=os.defpath + ":/usr/sbin") is None, reason="no pgbouncer here")
def test_pgbouncer_is_told_apart_by_its_mode(tmp_path: Path, postgres_url: str, mode: str, is_direct: bool) -> None:
    with pgbouncer(tmp_path, postgres_url, mode) as url:
        ways = [lambda: psycopg.connect(url, autocommit=True)]
        if is_direct:
            sessions.prove_direct(*ways)
        else:
            with pytest.raises(sessions.SharedSession):
                sessions.prove_direct(*ways)


@contextmanager
def pgbouncer(home: Path, postgres_url: str, mode: str) -> Iterator[str]:
    """A pgbouncer before the test's PostgreSQL; it refuses to be root, then it is nobody."""
    server = urlsplit(postgres_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (home / "users").write_text(f'"{server.username}" "{server.password}"\n')
    (home / "ini").write_text(
        f"[databases]\n* = host={server.hostname} port={server.port}\n[pgbouncer]\nlisten_addr=127.0.0.1\n"
        f"listen_port={port}\nauth_type=plain\nauth_file={home}/users\npool_mode={mode}\nunix_socket_dir=\n"
    )
    command = [str(shutil.which("pgbouncer", path=os.defpath + ":/usr/sbin")), "-q", str(home / "ini")]
    who: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}
    for parent in (home, *home.parents[:2]):
        parent.chmod(0o711)
    (home / "users").chmod(0o644)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who)
    try:
        url = urlunsplit(server._replace(netloc=f"{server.username}:{server.password}@127.0.0.1:{port}"))
        _wait_for(port)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("pgbouncer does not answer")
