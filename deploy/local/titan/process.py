"""Commands, their start in an own process group, their stop, and the search for what a killed stack left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

LAUNCHER = Path(__file__).with_name("launch.py")
MARK = "TITAN_STACK"
"""Environment variable that every process of a stack carries: the data directory it belongs to."""


@dataclass(frozen=True, slots=True)
class User:
    """An unprivileged user that a program runs as when we are root."""

    uid: int
    gid: int
    walk: bool
    """Needs the capability to pass through directories that only root may enter."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program of the stack and how it likes to be stopped."""

    name: str
    argv: Sequence[str]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 8.0
    user: User | None = None

    def launcher_argv(self) -> list[str]:
        """The full command line, through the launcher that ties the process to this one."""
        head = [sys.executable, "-I", "-S", str(LAUNCHER)]
        head += ["--parent", str(os.getpid()), "--signal", str(int(self.stop_signal))]
        if self.user is not None:
            head += ["--uid", str(self.user.uid), "--gid", str(self.user.gid)]
            head += ["--walk"] if self.user.walk else []
        return [*head, "--", *self.argv]


def start(
    command: Command, *, output: int | IO[bytes], errors: int | IO[bytes] = subprocess.STDOUT
) -> subprocess.Popen[bytes]:
    """Start in an own session: Ctrl-C in the terminal reaches only the supervisor, which then stops in order."""
    return subprocess.Popen(
        command.launcher_argv(),
        cwd=command.directory,
        env=dict(command.environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes], command: Command) -> None:
    """Ask, wait for the command's grace, then kill the whole group; returns when nothing of it is left."""
    if process.poll() is None:
        signal_quietly(process.pid, command.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(command.grace)
    kill_group(process.pid)
    process.wait()


def signal_quietly(pid: int, number: signal.Signals) -> None:
    """Send a signal to one process that may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def kill_group(leader: int) -> None:
    """Kill what is left of a process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def of_stack(data_dir: Path) -> list[int]:
    """Process ids that carry this stack's mark or serve its database files, without us and our ancestors."""
    import psutil

    ourselves = {os.getpid(), *(ancestor.pid for ancestor in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        if process.pid in ourselves:
            continue
        with contextlib.suppress(psutil.Error, OSError):
            if _belongs(process.environ(), process.cmdline(), data_dir):
                found.append(process.pid)
    return found


def _belongs(environment: Mapping[str, str], argv: Sequence[str], data_dir: Path) -> bool:
    # PostgreSQL's own children overwrite their environment, and live no longer than the postmaster.
    return environment.get(MARK) == str(data_dir) or str(data_dir / "pg") in argv


def end(pids: Iterable[int], *, grace: float = 5.0) -> None:
    """Stop processes that are not our children: politely, then for good."""
    import psutil

    processes = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(pid))
    for process in processes:
        # SIGINT is PostgreSQL's fast stop; SIGTERM would wait for its clients.
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGINT if process.name().startswith("postgres") else signal.SIGTERM)
    _end_after(grace, processes)


def end_in(directory: Path, name: str, *, grace: float = 5.0) -> None:
    """Wait until no program `name` works in `directory`; those that are still there after `grace` seconds are ended."""
    import psutil

    place = str(directory.resolve())
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.name() == name and process.cwd() == place:
                found.append(process)
    _end_after(grace, found)


def _end_after(grace: float, processes: list[psutil.Process]) -> None:
    import psutil

    _, alive = psutil.wait_procs(processes, timeout=grace)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=grace)
