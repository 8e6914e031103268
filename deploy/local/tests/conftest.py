"""Stacks for tests: one of its own for those that break it, one shared by those that only ask."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from home import Home

from titan.testing import free_port_base


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    place = Home(tmp_path / "titan", free_port_base())
    yield place
    place.clear()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A stack that is ready."""
    place = Home(tmp_path_factory.mktemp("running") / "titan", free_port_base())
    place.up("worker")
    place.wait_until_ready()
    yield place
    place.clear()
