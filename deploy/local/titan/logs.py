"""`titan logs`: the last lines of all processes, of one service or of one process, and what follows."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from titan.console import ALL
from titan.errors import WrongSetting
from titan.parts import service_of


def selection(log_dir: Path, name: str | None) -> Callable[[str], bool]:
    """Whether a line of the common log is wanted: `name` is a service, a process or nothing. Raises WrongSetting."""
    known = {path.stem for path in log_dir.glob("*.log")} - {ALL, "up"} | {"titan"}
    if name is None:
        return lambda line: True
    wanted = {process for process in known if process == name or service_of(process) == name}
    if not wanted:
        raise WrongSetting(
            f"Nothing called {name} has written a log in {log_dir}; there are: {', '.join(sorted(known))}."
        )
    return lambda line: line.split(" | ", 1)[0] in wanted


def last(path: Path, count: int, wanted: Callable[[str], bool]) -> list[str]:
    """The last `count` wanted lines, reaching into the file before the last rotation."""
    kept: deque[str] = deque(maxlen=count)
    for file in (path.with_suffix(".log.1"), path):
        if file.exists():
            with file.open(errors="replace") as lines:
                kept.extend(line.rstrip("\n") for line in lines if wanted(line))
    return list(kept)


def following(path: Path, wanted: Callable[[str], bool], *, pause: float = 0.2) -> Iterator[str]:
    """New wanted lines as they come, for ever, across rotations."""
    file = path.open(errors="replace")
    file.seek(0, 2)
    while True:
        line = file.readline()
        if line.endswith("\n"):
            if wanted(line):
                yield line.rstrip("\n")
            continue
        file.seek(file.tell() - len(line.encode()))
        if path.exists() and path.stat().st_ino != _inode(file.fileno()):
            file.close()
            file = path.open(errors="replace")
        else:
            time.sleep(pause)


def _inode(descriptor: int) -> int:
    import os

    return os.fstat(descriptor).st_ino
