"""What a running stack tells other commands: `run/state.json`, and the lock that says whether one runs at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from titan.configuration import Configuration
from titan.errors import AlreadyRunning, NotRunning


@dataclass(slots=True)
class ProcessState:
    """A supervised process as last seen by its supervisor."""

    pid: int | None = None
    restarts: int = 0
    last_words: str = ""
    why: str = ""
    """How it ended last, with its last words; empty as long as it never did."""
    died_at: float | None = None
    next_try_at: float | None = None


@dataclass(slots=True)
class State:
    """Everything another command needs; holds passwords, so only its owner may read it."""

    phase: str  # starting, ready, degraded, stopping
    supervisor: int
    host: str
    port_base: int
    kafka: str
    postgres: str
    valkey: str
    environment: dict[str, dict[str, str]] = field(default_factory=dict)
    processes: dict[str, ProcessState] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    seconds_to_ready: float | None = None

    def configuration(self, data_dir: Path) -> Configuration:
        """The configuration the stack was started with."""
        return Configuration(data_dir, self.host, self.port_base, self.kafka, self.postgres, self.valkey)


def write(path: Path, state: State) -> None:
    """Replace the state file whole."""
    scratch = path.with_suffix(".new")
    with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(state), file, indent=1)
    scratch.rename(path)


def note_maker(data_dir: Path, version: str) -> None:
    """Leave a note of which TITAN uses the data directory."""
    (data_dir / "run" / "maker").write_text(version)


def maker_of(data_dir: Path) -> str | None:
    """The TITAN that used the data directory last, as far as it left a note."""
    try:
        return (data_dir / "run" / "maker").read_text().strip() or None
    except OSError:
        return None


def read(data_dir: Path) -> State | None:
    """The last state written, whether or not its stack still runs."""
    try:
        raw: dict[str, Any] = json.loads((data_dir / "run" / "state.json").read_text())
        raw["processes"] = {name: ProcessState(**seen) for name, seen in raw["processes"].items()}
        return State(**raw)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def of_running_stack(data_dir: Path) -> State:
    """The state of the stack that runs in `data_dir`. Raises NotRunning."""
    found = read(data_dir) if is_running(data_dir) else None
    if found is None:
        raise NotRunning(f"No stack runs in {data_dir}: start one with `titan up`.")
    return found


@contextlib.contextmanager
def owned(configuration: Configuration) -> Iterator[None]:
    """Own the data directory for the length of a block. Raises AlreadyRunning.

    The kernel lets go of the lock when we die, however we die, so there is no stale one.
    """
    with configuration.lock_file.open("a+") as file:
        if not _lock(file):
            raise AlreadyRunning(
                f"A stack already runs in {configuration.data_dir} "
                f"(process {supervisor_of(configuration.data_dir)}): see `titan status`, stop it with `titan down`, "
                "or set TITAN_DATA_DIR and TITAN_PORT_BASE for a second one."
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _lock(file: IO[str]) -> bool:
    # Whoever asks `is_running` holds the lock for an instant, so one refusal proves nothing.
    for attempt in range(5):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            time.sleep(0.05 * attempt)
    return False


def is_running(data_dir: Path) -> bool:
    """Whether some process owns the data directory."""
    try:
        with (data_dir / "run" / "lock").open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except FileNotFoundError:
        return False
    except OSError:
        return True


def supervisor_of(data_dir: Path) -> int | None:
    """The process that owns the data directory, while one does."""
    with contextlib.suppress(OSError, ValueError):
        return int((data_dir / "run" / "lock").read_text())
    return None
