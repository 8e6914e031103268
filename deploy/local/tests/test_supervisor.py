"""How the supervisor treats what dies: quickly again at first, then less and less often, and always with its reason."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from titan import supervisor
from titan.console import Console
from titan.process import Command
from titan.supervisor import Child, Supervisor

CRASHING = "import sys; sys.exit('titan: no money in the machine')"


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(tmp_path, quiet=True)


@pytest.fixture
async def start(console: Console) -> AsyncIterator[Callable[[str], Child]]:
    """Supervises Python code; its states are noted whenever they change."""
    supervised: list[Supervisor] = []

    def child(code: str) -> Child:
        supervised.append(Supervisor(console))
        supervised[-1].start(Command("worker", [sys.executable, "-c", code], Path.cwd()), layer=1)
        return supervised[-1].children["worker"]

    yield child
    for one in supervised:
        one.hurry()
        await one.stop()


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_pauses_between_starts_grow_up_to_the_longest(start: Callable[[str], Child], monkeypatch) -> None:
    monkeypatch.setattr(supervisor, "PAUSES", (0.0, 0.05, 0.1, 0.2))
    child, pauses = start(CRASHING), []

    def note() -> None:
        if child.seen.pid is None:  # it died; every death is told before the next start
            pauses.append(child.seen.next_try_at - child.seen.died_at)

    child._changed = note
    await until(lambda: len(pauses) >= 6, seconds=60)
    assert pauses[:6] == pytest.approx([0.0, 0.05, 0.1, 0.2, 0.2, 0.2], abs=0.02)


async def test_a_process_that_ran_well_for_a_while_is_started_again_at_once(
    start: Callable[[str], Child], monkeypatch
) -> None:
    monkeypatch.setattr(supervisor, "PAUSES", (0.0, 0.0, 0.0, 60.0))
    monkeypatch.setattr(supervisor, "LONG_LIFE", 0.3)
    child = start("import time; time.sleep(0.4)")
    await until(lambda: child.seen.restarts >= 5)
    assert not child.is_looping


async def test_what_rests_after_quick_deaths_tries_at_once_when_its_server_is_back(
    start: Callable[[str], Child], monkeypatch
) -> None:
    monkeypatch.setattr(supervisor, "PAUSES", (0.0, 0.0, 600.0))
    child = start(CRASHING)
    await until(lambda: child.seen.next_try_at and child.seen.next_try_at - child.seen.died_at > 500)
    starts = child.seen.restarts
    child.encourage()
    await until(lambda: child.seen.restarts > starts)


async def test_the_reason_is_one_sentence_in_the_state_and_in_the_process_s_own_log(
    start: Callable[[str], Child], tmp_path: Path
) -> None:
    child = start(CRASHING)
    await until(lambda: child.seen.restarts >= 1)
    assert child.seen.why.startswith("ended with exit code 1")
    assert child.seen.why.endswith("titan: no money in the machine")
    assert (
        "worker ended with exit code 1: titan: no money in the machine; starting"
        in (tmp_path / "worker.log").read_text()
    )


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["FATAL:  could not map memory", "LOG:  database system is shut down"], "FATAL:  could not map memory"),
        (["Traceback (most recent call last):", '  File "x.py"', "ValueError: seven"], "ValueError: seven"),
        (["one", "two"], "two"),
        ([], "it said nothing"),
    ],
)
def test_the_line_that_says_why_is_told_from_those_around_it(console: Console, lines: list[str], reason: str) -> None:
    child = Child(Command("x", ["x"], Path.cwd()), console, lambda: None)
    for line in lines:
        child._hear(line.encode())
    assert child.last_words() == reason
