"""A whole stack of one's own: its own data directory and ports, gone afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from titan import state as states
from titan.testing import free_port_base, scratch_directory

IDLE_START_SECONDS = 2.0


@dataclass(frozen=True)
class OwnStack:
    """Runs `titan` commands on one stack."""

    data_dir: Path
    port_base: int

    @property
    def environment(self) -> dict[str, str]:
        # What the test run itself uses (test servers, settings) is none of the stack's business.
        outside = {n: v for n, v in os.environ.items() if not n.startswith(("TITAN_", "DJANGO_"))}
        return outside | {"TITAN_DATA_DIR": str(self.data_dir), "TITAN_PORT_BASE": str(self.port_base)}

    def titan(self, *words: str, seconds: float = 400) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [sys.executable, "-m", "titan.cli", *words]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=seconds, check=False
        )

    def must(self, *words: str, seconds: float = 400) -> str:
        """Run a command that has to succeed; its output."""
        ran = self.titan(*words, seconds=seconds)
        assert ran.returncode == 0, f"titan {' '.join(words)}: {ran.stderr[-1500:]}\n{ran.stdout[-3000:]}"
        return ran.stdout

    def up(self) -> None:
        """Start it, on the kind of broker that this test run is about."""
        self.must("up", "--detach", "--kafka", os.environ.get("TITAN_TEST_BROKER", "embedded"))

    def demo(self) -> dict[str, object]:
        """Run the main job; its report."""
        file = self.data_dir / "report.json"
        self.must("demo", "--json", str(file))
        return json.loads(file.read_text())


@pytest.fixture(scope="session")
def own_stack() -> Iterator[OwnStack]:
    """A running stack."""
    with scratch_directory() as home:
        stack = OwnStack(home, free_port_base())
        stack.up()
        yield stack
        stack.titan("down")


@pytest.fixture(scope="session")
def allowed(own_stack: OwnStack) -> Callable[[float, float], float]:
    """How many seconds a guarantee of `goal` allows for what took `seconds` just now.

    What takes longer than the goal is allowed as many times more as starting a service takes longer here than on an
    idle laptop. That is measured right then: what else a machine has to do is different a minute later.
    """

    def of(goal: float, seconds: float) -> float:
        return goal if seconds <= goal else goal * max(1.0, _start_of_a_service(own_stack) / IDLE_START_SECONDS)

    return of


def _start_of_a_service(stack: OwnStack) -> float:
    began = time.monotonic()
    start = "import django; django.setup(); import service_base.urls, scheduler.asgi"
    variables = states.read(stack.data_dir).environment["scheduler"]
    subprocess.run([sys.executable, "-c", start], env=os.environ | variables, check=True, capture_output=True)
    return time.monotonic() - began
