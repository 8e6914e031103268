"""Where the lines of supervised processes go: coloured to the terminal, plain to one log file each and one for all."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import IO

KEEP_BYTES = 10 * 1024 * 1024
COLOURS = (36, 33, 35, 32, 34, 96, 93, 95, 92, 94)
ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
ALL = "all"


class LogFile:
    """A file that starts anew, keeping one predecessor, when it has grown too long."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] = path.open("a", encoding="utf-8")

    def write(self, line: str) -> None:
        """Append a line; a full disk loses log lines, never the process that wrote them."""
        try:
            self._file.write(line + "\n")
            self._file.flush()
            if self._file.tell() > KEEP_BYTES:
                self._file.close()
                self._path.replace(self._path.with_suffix(".log.1"))
                self._file = self._path.open("a", encoding="utf-8")
        except OSError:
            return

    def close(self) -> None:
        self._file.close()


class Console:
    """Shows and keeps the lines of all processes."""

    def __init__(self, log_dir: Path, *, quiet: bool = False) -> None:
        self._log_dir = log_dir
        self._quiet = quiet
        self._files: dict[str, LogFile] = {}
        self._coloured = is_coloured()

    def line(self, name: str, text: str, *, shown: bool = True) -> None:
        """One line said by the process `name`."""
        plain = ESCAPES.sub("", text)
        self._file(name).write(plain)
        self._file(ALL).write(f"{name} | {plain}")
        if shown and not self._quiet:
            say(prefixed(name, text, coloured=self._coloured))

    def say(self, text: str, *, about: str | None = None) -> None:
        """One line of the supervisor itself; what it says about a process is kept in that process's log too."""
        if about is not None:
            self._file(about).write(text)
        self._file(ALL).write(f"{about or 'titan'} | {text}")
        say(prefixed("titan", text, coloured=self._coloured))

    def close(self) -> None:
        """Close the log files."""
        for file in self._files.values():
            file.close()

    def _file(self, name: str) -> LogFile:
        if name not in self._files:
            self._files[name] = LogFile(self._log_dir / f"{name}.log")
        return self._files[name]


def prefixed(name: str, text: str, *, coloured: bool) -> str:
    """A line with its process's name before it; a service keeps its colour in every process."""
    if not coloured:
        return f"{name:<16} | {text}"
    shade = "1" if name == "titan" else str(COLOURS[sum(name.split("-")[0].encode()) % len(COLOURS)])
    return f"\x1b[{shade}m{name:<16} |\x1b[0m {text}"


def is_coloured() -> bool:
    """Whether the terminal wants colours."""
    return "NO_COLOR" not in os.environ and ("FORCE_COLOR" in os.environ or sys.stdout.isatty())


def say(text: str) -> None:
    """Print a line; a reader that went away (`titan up | head`) is no reason to stop the stack."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError:
        return
