"""What the demo shows while it runs: the step, what is happening, how far it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text


class Shown:
    """A bar on the screen."""

    def __init__(self, progress: Progress, task: object) -> None:
        self._progress = progress
        self._task = task

    def update(self, percent: float, stage: str) -> None:
        """Move the bar and say what is happening."""
        self._progress.update(self._task, completed=percent, stage=stage)  # type: ignore[arg-type]


class Screen:
    """The terminal, or, with `quiet`, nothing but the report."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=quiet, quiet=quiet, highlight=False)
        self.started = time.monotonic()
        self._step = 0

    @property
    def seconds(self) -> float:
        """Since the demo began."""
        return time.monotonic() - self.started

    def step(self, title: str) -> None:
        """Begin a step."""
        self._step += 1
        self.console.print(f"\n[bold]{self._step}. {title}[/bold] [dim]({self.seconds:.0f} s)[/dim]")

    def say(self, text: str) -> None:
        """One thing that happened."""
        self.console.print(Padding(Text(text), (0, 0, 0, 3), expand=False))

    @contextmanager
    def progress(self, title: str) -> Iterator[Shown]:
        """A bar that goes away when its work is done."""
        columns = (
            TextColumn("   {task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[stage]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as bar:
            yield Shown(bar, bar.add_task(title, total=100, stage=""))
