"""Graphs as files: drawn by a child that stays warm for a while, found again while nothing they show has changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock, Timer
from time import monotonic
from typing import Any, Literal

from ml import commands, queries
from ml.jobs.protocol import Child, ChildFailed, Message, refuse
from ml.models import Machine
from ml.rules.graphs import Facts, Misfit, Specification, UnfitGraph, check
from ml.store import place
from service_base.errors import BadInput, Unavailable

Format = Literal["svg", "png", "pdf"]
Theme = Literal["light", "dark"]
MEDIA_TYPES: dict[Format, str] = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
# Grows when the same specification would be drawn otherwise.
STYLE = 1
# Seconds: how long one waits for graphs of others, how long for one's own, and how long an idle child stays.
WAIT, LONGEST, IDLE = 30.0, 60.0, 90.0
# A large table is read for its first graph by a child that goes on when its asker has gone; up to here.
LAST = 900.0
# What the engine keeps from graph to graph is let go of now and then.
MOST_JOBS = 200
KEPT_GRAPHS, KEPT_COLUMNS = 60, 120


@dataclass(frozen=True, slots=True)
class DrawnGraph:
    """A graph's picture, and what it says: title, summary, notes, figures, frames."""

    told: dict[str, Any]
    picture: bytes
    source: dict[str, Any]
    media_type: str


def drawn_graph(
    machine: Machine, spec: Specification, *, file_format: Format = "svg", theme: Theme = "light"
) -> DrawnGraph:
    """The graph of the machine's lines as they are now.

    Raises UnfitGraph with what would fit, Unavailable when too many others wait or it takes too long, and what
    reading the lines raises.
    """
    facts = queries.facts_of(machine)
    check(spec, facts)
    lines = queries.drawn_lines(machine)
    used = [fact for fact in facts if fact.name in spec.drawn.values()]
    version = queries.version_of(machine, lines)
    folder = _folder(machine, spec, used, version, file_format, theme)
    if not (folder / "figures.json").exists():
        columns = place(f"columns/{machine.pk}")
        job = {
            "specification": asdict(spec),
            "facts": [asdict(fact) for fact in used],
            "stretches": [stretch.to_json() for stretch in commands.stretches_of(lines)],
            "limit": machine.line_limit,
            "version": version,
            "columns": str(columns),
            "folder": str(folder),
            "format": file_format,
            "theme": theme,
        }
        _refuse_misfits(_studio.ask(job))
        _keep_newest(folder.parent, KEPT_GRAPHS)
        _keep_newest(columns, KEPT_COLUMNS)
    return _found(folder, file_format)


def _folder(
    machine: Machine, spec: Specification, facts: Sequence[Facts], version: str, file_format: str, theme: str
) -> Path:
    told = [STYLE, asdict(spec), [asdict(fact) for fact in facts], version, file_format, theme]
    return place(f"graphs/{machine.pk}/{sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]}")


def _found(folder: Path, file_format: Format) -> DrawnGraph:
    try:
        told = json.loads((folder / "figures.json").read_bytes())
        source = json.loads((folder / "vega-lite.json").read_bytes())
        picture = (folder / f"picture.{file_format}").read_bytes()
    except FileNotFoundError:
        raise Unavailable("This graph was just cleared away; ask for it again.") from None
    return DrawnGraph(told, picture, source, MEDIA_TYPES[file_format])


def _refuse_misfits(answer: Message) -> None:
    if misfits := answer.get("misfits"):
        raise UnfitGraph([Misfit(**misfit) for misfit in misfits])


def _keep_newest(home: Path, most: int) -> None:
    """A form changes with every click; what was drawn long ago is drawn anew if it is wanted again."""
    dated = []
    for entry in home.glob("*"):
        try:
            dated.append((entry.stat().st_mtime, entry))
        except FileNotFoundError:
            continue  # another process was quicker
    for _, entry in sorted(dated, reverse=True)[most:]:
        for part in [*entry.glob("*"), entry]:
            part.rmdir() if part.is_dir() else part.unlink(missing_ok=True)


class StillDrawing(Unavailable):
    """The graph is not ready yet, and is being made."""

    slug = "still-drawing"
    title = "The graph is not ready yet"


class _Studio:
    """The child that draws, one graph at a time; gone when nobody has wanted one for a while."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._child: Child | None = None
        self._jobs = 0
        self._idle: Timer | None = None
        # When the job began whose answer is still to come, and how many of its lines were read.
        self._began: float | None = None
        self._lines = 0

    def ask(self, job: Message) -> Message:
        """The child's answer. Raises BadInput with its refusal, StillDrawing, Unavailable, ChildFailed."""
        if not self._lock.acquire(timeout=WAIT):
            raise Unavailable("Other graphs are being drawn just now; try again in a moment.", retry_after=5)
        try:
            self._stay(None)
            deadline = monotonic() + LONGEST
            if self._began is not None:
                with suppress(BadInput):  # that one's asker has gone; its columns are read now
                    self._answer(deadline)
            self._give(job)
            return self._answer(deadline)
        finally:
            self._stay(IDLE if self._child else None)
            self._lock.release()

    def _give(self, job: Message) -> None:
        """Give the job to the warm child, or to a new one."""
        if self._child and (self._jobs >= MOST_JOBS or self._child.process.poll() is not None):
            self._leave()
        if self._child is None:
            self._child, self._jobs = Child("ml.jobs.drawing", job), 0
        else:
            self._child.send(job)
        self._jobs += 1
        self._began, self._lines = monotonic(), 0

    def _answer(self, deadline: float) -> Message:
        child, began = self._child, self._began
        assert child is not None
        assert began is not None
        while not child.has_ended:
            for message in child.messages(timeout=max(0.05, deadline - monotonic())):
                self._lines = message.get("lines", self._lines)
                if "done" in message or "refused" in message or "full" in message:
                    self._began = None
                refuse(message)
                if "done" in message:
                    return message["done"]  # type: ignore[no-any-return]
            if monotonic() >= deadline and not child.has_ended:
                self._give_up(began)
        why = child.why_it_died()
        self._leave()
        raise ChildFailed(f"The graph broke down half way ({why}). Try again, or take other columns.")

    def _give_up(self, began: float) -> None:
        if monotonic() - began >= LAST:
            self._leave()
            raise Unavailable(f"This graph took more than {LAST:.0f} seconds; take fewer columns or panels.")
        so_far = f" ({self._lines} lines so far)" if self._lines else ""
        said = f"The table is being read for its first graph{so_far}; look again in a moment."
        raise StillDrawing(said, retry_after=5)

    def _leave(self) -> None:
        if self._child:
            self._child.kill()
        self._child = self._began = None

    def _stay(self, seconds: float | None) -> None:
        if self._idle:
            self._idle.cancel()
        self._idle = None
        if seconds is not None:
            self._idle = Timer(seconds, self.rest)
            self._idle.daemon = True
            self._idle.start()

    def rest(self) -> None:
        """Let the child go, unless it draws right now."""
        if self._lock.acquire(blocking=False):
            try:
                if self._began is None or monotonic() - self._began >= LAST:
                    self._leave()
                else:
                    self._stay(IDLE)
            finally:
                self._lock.release()


_studio = _Studio()
