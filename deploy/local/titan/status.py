"""What `titan status` answers: which parts run, whether they are ready, how much memory they hold."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from dataclasses import dataclass
from typing import Any

from titan import readiness
from titan import state as states
from titan.configuration import SERVICES, Configuration
from titan.environment import admin_url, bootstrap, valkey_url, without_password
from titan.parts import service_of
from titan.secret import load_or_make


@dataclass(frozen=True, slots=True)
class Status:
    """The stack at one moment; `as_json` is the published shape."""

    as_json: dict[str, Any]

    @property
    def is_running(self) -> bool:
        return bool(self.as_json["state"] != "stopped")


def show(configuration: Configuration, *, as_json: bool) -> bool:
    """Print the answer; whether a stack runs."""
    found = status(configuration)
    if as_json:
        sys.stdout.write(json.dumps(found.as_json, indent=1) + "\n")
    else:
        from titan.tables import show_status

        show_status(found.as_json)
    return found.is_running


def status(configuration: Configuration) -> Status:
    """Ask everything now: the supervisor's file, the processes, and each service's readiness."""
    home = configuration.data_dir
    seen = states.read(home) if states.is_running(home) else None
    if seen is None:
        return Status(_stopped(configuration))
    chosen = seen.configuration(home)
    memory = {name: resident_bytes(state.pid) for name, state in seen.processes.items()}
    services = list(seen.environment)
    lacks = asyncio.run(readiness.missing_in(chosen, seen.processes))
    return Status(
        {
            "state": seen.phase,
            "data_dir": str(home),
            "services": {name: _service(chosen, seen, name, lacks, memory) for name in services},
            **_servers(chosen, memory, seen.processes),
            "rss_bytes": sum(memory.values()) + resident_bytes(seen.supervisor, alone=True),
            "missing": seen.missing,
        }
    )


def _service(
    configuration: Configuration, seen: states.State, name: str, lacks: dict[str, list[str]], memory: dict[str, int]
) -> dict[str, Any]:
    own = {process: state for process, state in seen.processes.items() if service_of(process) == name}
    pids = {process: state.pid for process, state in own.items()}
    missing = [
        lack if process == f"{name}-web" else f"{process}: {lack}" for process in own for lack in lacks.get(process, [])
    ]
    return {
        "url": configuration.url(name),
        "ready": not missing and bool(pids) and all(pids.values()),
        "web_pid": pids.get(f"{name}-web"),
        "worker_pid": pids.get(f"{name}-worker"),
        "rss_bytes": sum(memory[process] for process in own),
        "processes": {process: _process(state) for process, state in own.items()},
        "missing": missing,
    }


def _process(state: states.ProcessState) -> dict[str, Any]:
    """What is known of it; `why` is its last end, `next_try_seconds` is there only while it rests."""
    found: dict[str, Any] = {"pid": state.pid, "restarts": state.restarts, "why": state.why}
    if state.pid is None and state.next_try_at is not None:
        found["next_try_seconds"] = max(0.0, round(state.next_try_at - time.time(), 1))
    return found


def _servers(
    configuration: Configuration, memory: dict[str, int], processes: dict[str, states.ProcessState]
) -> dict[str, Any]:
    secrets = load_or_make(configuration.secrets_file)
    found: dict[str, dict[str, Any]] = {
        "kafka": {"bootstrap": bootstrap(configuration)},
        "postgres": {"url": without_password(admin_url(configuration, secrets))},
        "valkey": {"url": without_password(valkey_url(configuration, secrets))},
    }
    for name, entry in found.items():
        entry["kind"] = getattr(configuration, name) if configuration.runs(name) else "external"
        entry["rss_bytes"] = memory.get(name, 0)
        entry["processes"] = {name: _process(processes[name])} if name in processes else {}
    return found


def _stopped(configuration: Configuration) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "ready": False,
        "web_pid": None,
        "worker_pid": None,
        "rss_bytes": 0,
        "processes": {},
        "missing": [],
    }
    kinds = {name: getattr(configuration, name) for name in ("kafka", "postgres", "valkey")}
    return {
        "state": "stopped",
        "data_dir": str(configuration.data_dir),
        "services": {name: {"url": configuration.url(name), **nothing} for name in SERVICES},
        "kafka": {"kind": kinds["kafka"], "bootstrap": bootstrap(configuration), "rss_bytes": 0},
        "postgres": {"kind": kinds["postgres"], "url": None, "rss_bytes": 0},
        "valkey": {"kind": kinds["valkey"], "url": None, "rss_bytes": 0},
        "rss_bytes": 0,
        "missing": [],
    }


def resident_bytes(pid: int | None, *, alone: bool = False) -> int:
    """Memory of a process and its descendants; a page that several share is counted once, shared out among them."""
    import psutil

    if pid is None:
        return 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        family = [process] if alone else [process, *process.children(recursive=True)]
        return sum(_of_one(member) for member in family)
    return 0


def _of_one(process: Any) -> int:
    import psutil

    with contextlib.suppress(psutil.Error):
        with contextlib.suppress(psutil.AccessDenied, AttributeError):
            return int(process.memory_full_info().pss)
        return int(process.memory_info().rss)
    return 0
