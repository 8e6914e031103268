"""A whole stack of one's own: its own data directory and ports, gone afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
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
def slowness(own_stack: OwnStack) -> float:
    """How many times longer than on an idle laptop starting a service takes here and now; never less than 1.

    What a guarantee allows is multiplied by it, so that a busy machine fails no test and an idle one is held to it.
    """
    began = time.monotonic()
    start = "import django; django.setup(); import service_base.urls, scheduler.asgi"
    variables = states.read(own_stack.data_dir).environment["scheduler"]
    subprocess.run([sys.executable, "-c", start], env=os.environ | variables, check=True, capture_output=True)
    return max(1.0, (time.monotonic() - began) / IDLE_START_SECONDS)
