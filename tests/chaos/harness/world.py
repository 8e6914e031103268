"""One test's world: its own database, topic and group, and the processes that it starts, breaks and starts again."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from harness import database, standing, traffic
from harness.failpoints import REACHED
from harness.nursery import Nursery

CHAOS = Path(__file__).parents[1]
ROOT = CHAOS.parents[1]
PATH = [ROOT / "libs", ROOT / "services", ROOT / "deploy" / "local", CHAOS]


class Process(Protocol):
    """What a member needs of its process."""

    pid: int

    def poll(self) -> int | None:
        """How it ended, or None."""

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal."""

    def wait(self, seconds: float) -> int:
        """Wait for its end."""


class Member:
    """A running process of the service."""

    def __init__(self, name: str, log: Path, process: Process) -> None:
        self.name = name
        self.log = log
        self.process = process

    @property
    def running(self) -> bool:
        """Whether it has not ended; a frozen process runs."""
        return self.process.poll() is None

    @property
    def code(self) -> int | None:
        """How it ended, as subprocess says it: minus the signal's number."""
        return self.process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if there is somebody to get it."""
        if self.running:
            self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        self.signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, seconds: float = 30) -> int:
        """Ask it to end and wait until it has; its exit code."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def frozen(self) -> bool:
        """Whether SIGSTOP holds it."""
        try:
            return (Path("/proc") / str(self.process.pid) / "stat").read_text().rpartition(")")[2].split()[0] in "Tt"
        except FileNotFoundError:
            return False

    def output(self) -> str:
        """What it wrote."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def stands(self) -> list[str]:
        """What it said when asked where it stands."""
        return [f"{self.name} {line}" for line in self.output().splitlines() if line.startswith(standing.LINE)]

    def said(self) -> str:
        """What it wrote of itself, and not because it was asked."""
        return "\n".join(line for line in self.output().splitlines() if not line.startswith(standing.LINE))


@dataclass
class Slot:
    """A place in the service that is filled again whenever its process dies, each time with the next failpoint."""

    loops: tuple[str, ...]
    plans: Iterator[str]
    options: dict[str, object]
    plan: str | None
    member: Member


@dataclass
class World:
    """Everything of one test."""

    MEMBER: ClassVar = "harness.member"
    name: str
    server_url: str
    database_url: str
    bootstrap: str
    home: Path
    session_seconds: float = 6
    clock: Path | None = None
    members: list[Member] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    killed: int = 0
    crashed: list[str] = field(default_factory=list)
    _nursery: Nursery | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def topic(self) -> str:
        """The topic of this world's events."""
        return f"titan.{self.name}.v1"

    @property
    def group(self) -> str:
        """The consumer group of this world's members."""
        return f"titan.{self.name}"

    def environment(self, member: str, **more: str) -> dict[str, str]:
        """What a process of this world gets to see."""
        outside = {n: v for n, v in os.environ.items() if not n.startswith(("TITAN_", "DJANGO_"))}
        return outside | {
            "PYTHONPATH": os.pathsep.join(map(str, PATH)),
            "PYTHONUNBUFFERED": "1",
            "TITAN_DATABASE_URL": self.database_url,
            "TITAN_KAFKA_BOOTSTRAP": self.bootstrap,
            "TITAN_CHAOS_CONTEXT": self.name,
            "TITAN_CHAOS_GROUP": self.group,
            "TITAN_CHAOS_MEMBER": member,
            **more,
        }

    def start(
        self,
        *loops: str,
        at: Iterable[str] = (),
        without: Iterable[str] = (),
        tune: Iterable[str] = (),
        session_seconds: float | None = None,
        **environment: str,
    ) -> Member:
        """A process that runs the loops `relay` and/or `consumer`, with failpoints `at`, lacking guards `without`."""
        words = [*loops]
        words += [word for point in at for word in ("--at", point)]
        words += [word for guard in without for word in ("--without", guard)]
        words += [word for constant in tune for word in ("--tune", constant)]
        words += ["--session-seconds", str(session_seconds or self.session_seconds)]
        return self._process("-".join(loops), self.MEMBER, words, environment)

    def run(self, module: str, *words: str, seconds: float = 120) -> str:
        """Run a module of the harness to its end; what it wrote."""
        done = self._process(module.rpartition(".")[2], module, list(words), {})
        assert done.process.wait(seconds) == 0, done.output()
        return done.output()

    def write(self, *, writers: int = 1, events: int, keys: int, **options: object) -> list[Member]:
        """Processes that commit `events` events in all, over `keys` counters (see harness.writer)."""
        self.make_counters(keys)
        started = []
        for seed in range(1, writers + 1):
            words = {"events": events // writers, "keys": keys, "seed": seed} | options
            line = []
            for option, value in words.items():
                flag = f"--{option.replace('_', '-')}"
                line += [flag] if value is True else [flag, str(value)]
            started.append(self._process("writer", "harness.writer", line, {}))
        return started

    def _process(self, kind: str, module: str, words: list[str], environment: dict[str, str]) -> Member:
        """Forked from the nursery, unless it has to see another environment."""
        name = f"{kind}-{next(self._numbers)}"
        log = self.home / f"{name}.log"
        if environment:
            with log.open("ab") as output:
                process: Process = subprocess.Popen(
                    [sys.executable, "-m", module, *words],
                    env=self.environment(name, **environment), stdout=output, stderr=output,
                )  # fmt: skip
        else:
            if self._nursery is None:
                self._nursery = Nursery(self.environment("nursery"), self.home / "nursery.log", clock=self.clock)
            process = self._nursery.fork(module, words, name, log)
        member = Member(name, log, process)
        self.members.append(member)
        return member

    def set_clock(self, seconds: float) -> None:
        """Let the processes' wall clocks be this far ahead from now on; a world without a moving clock has none."""
        assert self.clock is not None
        new = self.clock.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self.clock)

    def wrote(self, writers: list[Member], seconds: float = 90) -> None:
        """Wait until the writers are done; meanwhile dead members are replaced."""
        self.until(lambda: not any(writer.running for writer in writers), seconds)
        assert [w.code for w in writers] == [0] * len(writers), "".join(w.output()[-2000:] for w in writers)

    def make_counters(self, keys: int) -> None:
        """The counters k0, k1, …, as far as they are missing."""
        # ON CONFLICT DO NOTHING would wait for transactions that hold a counter that is already there.
        self.execute(
            f"INSERT INTO counter SELECT 'k' || n, 0 FROM generate_series(0, {keys - 1}) AS n"
            " WHERE NOT EXISTS (SELECT FROM counter WHERE name = 'k' || n)"
        )

    def keep(self, *loops: str, at: Iterable[str] = (), **options: object) -> Slot:
        """Keep a process running that is replaced when it dies; each new one has the next failpoint of `at`."""
        plans = iter(at)
        plan = next(plans, None)
        slot = Slot(loops, plans, options, plan, self._planned(loops, plan, options))
        self.slots.append(slot)
        return slot

    def tend(self) -> None:
        """Replace what died. A death that nobody planned is noted in `crashed`."""
        for slot in self.slots:
            code = slot.member.code
            if code is None:
                continue
            if code == -signal.SIGKILL:
                self.killed += 1
            else:
                self.crashed.append(f"{slot.member.name} ended with {code}: {slot.member.output()[-2000:]}")
            slot.plan = next(slot.plans, None)
            slot.member = self._planned(slot.loops, slot.plan, slot.options)

    def give_way(self) -> None:
        """Retire members whose deaths are all died where others of their kind still wait for their turn to lead."""
        waiting = {slot.loops for slot in self.slots if slot.plan}
        for slot in [slot for slot in self.slots if slot.plan is None and slot.loops in waiting]:
            self.slots.remove(slot)
            slot.member.kill()

    def _planned(self, loops: tuple[str, ...], plan: str | None, options: dict[str, object]) -> Member:
        return self.start(*loops, at=[plan] if plan else [], **options)  # type: ignore[arg-type]

    def until(self, condition: Callable[[], object], seconds: float = 120, *, every: float = 0.1) -> None:
        """Wait for `condition`, replacing what dies; fails with what the members wrote last."""
        deadline = time.monotonic() + seconds
        while not condition():
            self.tend()
            if time.monotonic() > deadline:
                raise AssertionError(f"not so after {seconds:.0f} s; {self.state()}\n{self.standing()}\n{self.tails()}")
            time.sleep(every)

    def drained(self) -> bool:
        """Whether everything committed was sent and everything sent was handled."""
        return self.number("SELECT count(*) FROM outbox") == 0 and self.lag() == 0

    def lag(self) -> int:
        """Records that the group has yet to commit."""
        return traffic.lag(self.bootstrap, self.topic, self.group)

    def committed(self) -> list[int]:
        """The group's committed offset of each partition."""
        return traffic.committed(self.bootstrap, self.topic, self.group)

    def records(self) -> int:
        """Records that the topic got in all."""
        return traffic.ends(self.bootstrap, self.topic)

    def number(self, query: str) -> int:
        """The one number that `query` asks for."""
        return database.number(self.database_url, query)

    def execute(self, statement: str) -> None:
        """Run a statement in the service's database."""
        database.execute(self.database_url, statement)

    def verdict(self) -> database.Verdict:
        """Lost, doubled, inverted."""
        return database.verdict(self.database_url)

    def state(self) -> str:
        """Where things stand, for a failing test's message."""
        waiting, effects = (self.number(f"SELECT count(*) FROM {t}") for t in ("outbox", "effect"))
        return f"{waiting} in the outbox, {effects} effects, {self.killed} killed, crashed: {self.crashed}"

    def reached(self) -> list[str]:
        """The failpoints that fired, as they were written."""
        lines = [line for member in self.members for line in member.output().splitlines()]
        return [line.removeprefix(REACHED) for line in lines if line.startswith(REACHED)]

    def standing(self) -> str:
        """What each process waits for, and each session of the database: why nothing goes on."""
        asked = [member for member in self.members if member.running]
        for member in asked:
            member.signal(standing.ASK)
        time.sleep(1)
        said = [line for member in asked for line in member.stands()]
        return "\n".join(said + [f"session {session}" for session in database.sessions(self.database_url)])

    def tails(self) -> str:
        """The last words of each process."""
        return "\n".join(f"--- {m.name} ({m.code}): {m.said()[-1500:]}" for m in self.members[-6:])

    def end(self) -> None:
        """Stop everything at once."""
        self.slots.clear()
        for member in self.members:
            member.kill()
        if self._nursery is not None:
            self._nursery.close()
