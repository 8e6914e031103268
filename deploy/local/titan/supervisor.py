"""Keeps processes alive: starts them, shows their lines, starts them again with growing pauses, stops them in order."""

from __future__ import annotations

import asyncio
import re
import signal
import time
from collections import deque
from collections.abc import Callable

from titan import process
from titan.console import Console
from titan.process import Command
from titan.state import ProcessState

PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before the next start, by how many quick deaths there were in a row; the last one is the longest."""
LONG_LIFE = 20.0
"""Seconds after which an earlier death counts no more."""
LONGEST_WORDS = 400
TELLING = re.compile(r"^titan: |FATAL|PANIC|ERROR|^\w*(Error|Exception|Exit|Open|Refused)\b")
"""How lines look that say why a program ends; some programs say more after that."""
LOOP_AFTER = 3
"""Quick deaths in a row that make a crash loop."""


class Child:
    """One supervised process."""

    def __init__(self, command: Command, console: Console, changed: Callable[[], None], *, shown: bool = True) -> None:
        self.command = command
        self.seen = ProcessState()
        self._console = console
        self._changed = changed
        self._shown = shown
        self._tail: deque[str] = deque(maxlen=20)
        self._quick_deaths = 0
        self._began = 0.0
        self._stop_now = asyncio.Event()
        self._try_now = asyncio.Event()

    def lived(self) -> float:
        """Seconds since its last start; 0 while it is not running."""
        return time.monotonic() - self._began if self.seen.pid is not None else 0.0

    @property
    def is_looping(self) -> bool:
        """Whether it keeps dying right after its start, and has not yet lived long again."""
        return self._quick_deaths >= LOOP_AFTER and self.lived() < LONG_LIFE

    def last_words(self) -> str:
        """Why it ended, as far as it said so since its last start, in one line and not too long."""
        said = [line.strip() for line in self._tail if line.strip()]
        telling = [line for line in said if TELLING.search(line)]
        return (telling or said or ["it said nothing"])[-1][-LONGEST_WORDS:]

    async def run(self) -> None:
        """Live for ever: until cancelled, a dead process is started again."""
        while True:
            self._began = time.monotonic()
            try:
                code = await self.live()
            except OSError as error:  # no such program, no more processes allowed
                self._tail.clear()
                self._tail.append(f"cannot start {self.command.argv[0]}: {error.strerror}")
                code = 127
            self._quick_deaths = 0 if time.monotonic() - self._began > LONG_LIFE else self._quick_deaths + 1
            pause = PAUSES[min(self._quick_deaths, len(PAUSES)) - 1] if self._quick_deaths else 0.0
            self._tell(code, pause)
            await self._rest(pause)
            self.seen.restarts += 1

    async def _rest(self, seconds: float) -> None:
        self._try_now.clear()
        waiting = asyncio.create_task(self._try_now.wait())
        try:
            await asyncio.wait({waiting}, timeout=seconds)
        finally:
            waiting.cancel()

    def encourage(self) -> None:
        """What it stands on is back: forget its quick deaths, and let it try at once."""
        self._quick_deaths = 0
        self._try_now.set()

    def hurry(self) -> None:
        """Stop waiting for it to end well."""
        self._stop_now.set()

    async def live(self) -> int:
        """Run once to the end; the exit code. When cancelled, stop it and all its children."""
        started = await asyncio.create_subprocess_exec(
            *self.command.launcher_argv(),
            cwd=self.command.directory,
            env=dict(self.command.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self.seen.pid = started.pid
        self._tail.clear()
        self._changed()
        assert started.stdout is not None
        reading = asyncio.create_task(self._read(started.stdout))
        try:
            return await started.wait()
        finally:
            await self._end(started)
            # A grandchild may hold the pipe open for ever; what the process itself said is there by now.
            await asyncio.wait({reading}, timeout=0.5)
            reading.cancel()
            self.seen.pid = None

    async def _end(self, started: asyncio.subprocess.Process) -> None:
        if started.returncode is None:
            process.signal_quietly(started.pid, self.command.stop_signal)
            ended, hurried = asyncio.create_task(started.wait()), asyncio.create_task(self._stop_now.wait())
            await asyncio.wait({ended, hurried}, timeout=self.command.grace, return_when=asyncio.FIRST_COMPLETED)
            hurried.cancel()
        process.kill_group(started.pid)
        await started.wait()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._hear(line)
            if len(rest) > 65536:
                self._hear(rest)
                rest = b""
        if rest:
            self._hear(rest)

    def _hear(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if "weak version" in text:  # the loader's complaint about the broker's binary, of no consequence
            return
        self._tail.append(text)
        self._console.line(self.command.name, text, shown=self._shown)

    def _tell(self, code: int, pause: float) -> None:
        """Say on the console, in its own log and in the state what became of it and why."""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        again = "starting it again" if pause < 1 else f"next try in {pause:.0f} s"
        times = f" ({self._quick_deaths} times in a row)" if self._quick_deaths > 1 else ""
        words = "" if code == -signal.SIGKILL else f": {self.last_words()}"
        self.seen.last_words = self.last_words()
        self.seen.why = f"{how}{times}{words}"
        self.seen.died_at = time.time()
        self.seen.next_try_at = time.time() + pause
        if self.is_looping:
            self._console.say(
                f"{self.command.name} keeps dying ({self._quick_deaths} times, it {how}): {self.last_words()} "
                f"({again}; all of it: titan logs {self.command.name})",
                about=self.command.name,
            )
        else:
            self._console.say(f"{self.command.name} {how}{words}; {again}", about=self.command.name)
        self._changed()


class Supervisor:
    """The children of one stack, in layers: a higher layer needs the lower ones, so it stops first, as one."""

    def __init__(self, console: Console, changed: Callable[[], None] = lambda: None) -> None:
        self.children: dict[str, Child] = {}
        self._console = console
        self._changed = changed
        self._layers: dict[int, list[asyncio.Task[None]]] = {}

    def start(self, *commands: Command, layer: int) -> None:
        """Start processes and keep them alive."""
        for command in commands:
            child = self.children[command.name] = Child(command, self._console, self._changed)
            self._layers.setdefault(layer, []).append(asyncio.create_task(child.run(), name=command.name))

    def encourage(self, *, above: int) -> None:
        """A server of layer `above` answers again: what needs it and rests after a death tries at once."""
        for layer, tasks in self._layers.items():
            if layer > above:
                for task in tasks:
                    self.children[task.get_name()].encourage()

    async def stop(self) -> None:
        """Stop everything, the last layer first; returns when nothing is left."""
        for layer in sorted(self._layers, reverse=True):
            tasks = self._layers.pop(layer)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def hurry(self) -> None:
        """Stop without waiting for good ends."""
        for child in self.children.values():
            child.hurry()

    def states(self) -> dict[str, ProcessState]:
        """What is known of each process."""
        return {name: child.seen for name, child in self.children.items()}


async def run_once(command: Command, console: Console) -> tuple[int, str]:
    """Run a command to its end, keeping its lines in its log: exit code and last words.

    Cancelled, it leaves nothing running.
    """
    child = Child(command, console, lambda: None, shown=False)
    return await child.live(), child.last_words()
