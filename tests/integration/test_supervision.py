"""Whatever is killed in a running stack is back and ready within five seconds, and takes nothing else with it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

import httpx
import psutil
import pytest

from titan import state as states
from titan.configuration import SERVICES

pytestmark = pytest.mark.timeout(600)
GOAL = 5.0
KINDS = [
    *("postgres", "kafka", "kafka's broker", "valkey"),
    *(f"{service}-{kind}" for service in SERVICES for kind in ("web", "worker")),
    *("ml-trainer", "trading-engine"),
]


class Watched:
    """The stack as its state file and its processes' own answers show it."""

    def __init__(self, stack) -> None:
        self.stack = stack

    def pids(self) -> dict[str, int | None]:
        seen = states.read(self.stack.data_dir)
        found = {name: process.pid for name, process in seen.processes.items()}
        children = []
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(found["kafka"]).children() if found["kafka"] else []
        return found | {"kafka's broker": children[0].pid if children else None}

    def restarts(self) -> dict[str, int]:
        return {name: process.restarts for name, process in states.read(self.stack.data_dir).processes.items()}

    def lacks(self, client: httpx.Client) -> list[str]:
        """Who is not ready, asked itself."""
        found = [name for name, pid in self.pids().items() if pid is None]
        for offset in (*range(1, 6), *range(11, 16)):
            try:
                answer = client.get(f"http://127.0.0.1:{self.stack.port_base + offset}/readyz", timeout=2)
                found += [f"+{offset}: {lack}" for lack in answer.json()["missing"]]
            except httpx.HTTPError:
                found.append(f"+{offset} does not answer")
        return found

    def wait_until_ready(self, seconds: float) -> float:
        began, lacks = time.monotonic(), ["nobody was asked"]
        with httpx.Client(trust_env=False) as client:
            while time.monotonic() - began < seconds:
                if not (lacks := self.lacks(client)):
                    return time.monotonic() - began
                time.sleep(0.05)
        raise AssertionError(
            f"not ready within {seconds:.1f} s: {lacks}\n{self.stack.titan('logs', '-n', '40').stdout}"
        )

    def kill(self, kind: str) -> float:
        """Kill it while all is ready; the seconds until it is there again and all is."""
        before = self.pids()[kind]
        os.kill(before, signal.SIGKILL)
        began = time.monotonic()
        while self.pids()[kind] in (None, before):
            assert time.monotonic() - began < 60, f"{kind} does not come back"
            time.sleep(0.01)
        self.wait_until_ready(60)
        return time.monotonic() - began


@pytest.fixture(scope="module")
def watched(own_stack) -> Watched:
    found = Watched(own_stack)
    found.wait_until_ready(60)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_killed_is_ready_again_within_five_seconds(watched, allowed, capsys, kind):
    watched.wait_until_ready(60)
    if watched.pids().get(kind) is None:
        pytest.skip(f"this stack runs no {kind}")
    restarts = watched.restarts()
    # What else is to be done at that very moment can spoil one time, and not three.
    for _ in range(3):
        seconds = watched.kill(kind)
        most = allowed(GOAL, seconds)
        with capsys.disabled():
            sys.stdout.write(f"\n{kind}: ready {seconds:.2f} s after kill -9 ")
        others = {name for name, count in watched.restarts().items() if count != restarts[name]}
        assert others == {"kafka" if kind == "kafka's broker" else kind}
        if seconds <= most:
            break
    assert seconds <= most


def test_after_kill_9_of_the_supervisor_the_next_up_heals(watched, own_stack, capsys):
    os.kill(states.read(own_stack.data_dir).supervisor, signal.SIGKILL)
    began = time.monotonic()
    own_stack.must("up", "--detach")
    watched.wait_until_ready(60)
    with capsys.disabled():
        sys.stdout.write(f"\nsupervisor: ready {time.monotonic() - began:.1f} s after its next start ")
