"""A running stack heals whatever is killed in it."""

from __future__ import annotations

import os
import signal

import pytest
from home import Home


@pytest.mark.parametrize("name", ["identity-worker", "identity-web", "postgres", "kafka", "valkey"])
def test_a_killed_process_is_back_within_five_seconds(running: Home, name: str) -> None:
    before = running.pid_of(name)
    assert before is not None

    os.kill(before, signal.SIGKILL)

    running.wait_for(lambda: running.pid_of(name) not in (None, before), seconds=5)
    running.wait_for(lambda: running.status()["services"]["identity"]["ready"], seconds=5)
