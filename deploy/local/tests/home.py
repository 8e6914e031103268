"""A stack's home for tests: its directory, its ports, and what was started in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from titan import process
from titan import state as states

STAND_IN = Path(__file__).with_name("stand_in.py")


class Home:
    """A data directory and ports of its own, and the stacks started in it."""

    def __init__(self, data_dir: Path, port_base: int) -> None:
        self.data_dir = data_dir
        self.port_base = port_base
        self.environment = os.environ | {"TITAN_DATA_DIR": str(data_dir), "TITAN_PORT_BASE": str(port_base)}
        self.started: list[subprocess.Popen[str]] = []

    def up(self, *kinds: str, **variables: str) -> subprocess.Popen[str]:
        stack = subprocess.Popen(
            [sys.executable, str(STAND_IN), *kinds],
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(stack)
        return stack

    def titan(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "titan.cli", *arguments],
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.titan("status", "--json").stdout)
        return answer

    def wait_for(self, condition: Callable[[], object], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {self.log()}"
            assert self.started[-1].poll() in (None, -signal.SIGKILL), f"the stack ended: {self.log()}"
            time.sleep(0.05)

    def wait_until_ready(self) -> None:
        self.wait_for(self.is_ready)

    def is_ready(self) -> bool:
        seen = states.read(self.data_dir)  # a killed stack leaves its last state behind
        return bool(seen and seen.phase == "ready" and seen.supervisor == self.started[-1].pid)

    def pid_of(self, name: str) -> int | None:
        seen = states.read(self.data_dir)
        return seen.processes[name].pid if seen and name in seen.processes else None

    def log(self) -> str:
        path = self.data_dir / "logs" / "all.log"
        return path.read_text() if path.exists() else ""

    def clear(self) -> None:
        for stack in self.started:
            stack.kill()
            stack.wait()
            assert stack.stdout is not None
            stack.stdout.close()
        process.end(process.of_stack(self.data_dir))
