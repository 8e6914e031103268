"""Where a member stands: asked by a signal, it writes a line for each thread and each task that is not idle."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import CoroutineType, FrameType
from typing import Any

ASK = signal.SIGUSR1
LINE = "stands: "
INNERMOST = 7
# Who waits there has nothing to do, or waits for somebody who is on the list.
IDLE = {
    *(("thread.py", "_worker"), ("pausing.py", "pause"), ("standing.py", "_answer"), ("watchdog.py", "_watch")),
    *(("platform_log.py", "_send_for_ever"), ("client.py", "_md_synchronizer"), ("conn.py", "_read")),
}


def answer_when_asked() -> None:
    """Call before other threads start: none of them is to take the signal, whatever the main thread is stuck in."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {ASK})
    threading.Thread(target=_answer, name="standing", daemon=True).start()


def _answer() -> None:
    while True:
        signal.sigwait({ASK})
        for line in _standing():
            sys.stdout.write(f"{LINE}{line}\n")
        sys.stdout.flush()


def _standing() -> Iterator[str]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        yield from _said(f"thread {names.get(ident, ident)}", [place for place, _ in traceback.walk_stack(frame)][::-1])
    for task in [found for found in gc.get_objects() if isinstance(found, asyncio.Task) and not found.done()]:
        yield from _said(f"task {task.get_name()}", list(_frames_of(task.get_coro())))


def _frames_of(coroutine: Any) -> Iterator[FrameType]:
    """From the outermost on: a task that is suspended tells of itself only the first."""
    while isinstance(coroutine, CoroutineType) and coroutine.cr_frame is not None:
        yield coroutine.cr_frame
        coroutine = coroutine.cr_await


def _said(who: str, frames: list[FrameType]) -> Iterator[str]:
    places = [(Path(frame.f_code.co_filename).name, frame.f_code.co_name, frame.f_lineno) for frame in frames]
    if len(places) > 1 and not IDLE.intersection((file, function) for file, function, _ in places):
        yield f"{who}: " + " > ".join(f"{file}:{line} {function}" for file, function, line in places[-INNERMOST:])
