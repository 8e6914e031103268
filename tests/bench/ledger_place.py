"""Where the ledger is measured: a durable PostgreSQL with billing's database and pgbench's, and a broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import resource
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from bus_app.cost import cpu_of_family
from bus_place import HERE, Figures, NotMeasured, _directory, _started, tell

TOPIC = "titan.ml.v1"
CLIENTS, THREADS, SCALE = 16, 2, 50
FLOOR = (HERE / "ledger_app" / "floor.sql").read_text()
AT_ONCE = 500
_DONE = "SELECT coalesce(sum(next_offset), 0) FROM offset_fence WHERE topic = 'titan.ml.v1'"
_TPS = re.compile(r"tps = ([\d.]+)")
_DONE_BY_PGBENCH = re.compile(r"actually processed: (\d+)")


class LedgerPlace:
    """Billing on a server of its own; nobody consumes until a step says so."""

    def __init__(self, server: str, home: Path, environment: dict[str, str], owner: dict[str, str]) -> None:
        self._server = server
        self._home = home
        self._environment = environment
        self._owner = owner
        self._postmaster = int((home / "pg" / "postmaster.pid").read_text().split()[0])
        self._sent = 0

    def start(self, module: str, *words: str) -> subprocess.Popen[str]:
        """A process of the bench, with the rights of the application."""
        command = [sys.executable, "-m", module, *words]
        return subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, text=True)

    def run(self, module: str, *words: str, as_owner: bool = False) -> str:
        """What a process of the bench says until its end. Raises NotMeasured."""
        environment = self._owner if as_owner else self._environment
        done = subprocess.run(
            [sys.executable, "-m", module, *words], env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise NotMeasured(f"{module} {' '.join(words)} ended with {done.returncode}")
        return done.stdout

    def past(self, people: int, *, journals: int = 0, whale: int = 0) -> None:
        """More of a past (see ledger_app.past)."""
        words = ["--people", str(people), "--journals", str(journals), "--whale", str(whale)]
        self.run("ledger_app.past", *words, as_owner=True)
        self._settle()

    def postings(self) -> int:
        """How many postings there are."""
        with psycopg.connect(self._owner["TITAN_DATABASE_URL"]) as connection:
            return int(connection.execute("SELECT count(*) FROM posting").fetchone()[0])  # type: ignore[index]

    def consume(self, events: int, *, people: int, warm_up: int, members: int, sold: int = 10) -> Figures:
        """Members drain a topic that is full; what an event cost after `warm_up` of them."""
        words = {"people": people, "events": warm_up + events, "sold": sold}
        self.run("ledger_app.feed", *(word for name, value in words.items() for word in (f"--{name}", str(value))))
        started = [self.start("ledger_app.member") for _ in range(members)]
        pids = [member.pid for member in started]
        try:
            self._until(self._sent + warm_up, started)
            began, cpu = time.monotonic(), self._cpu(pids)
            done = self._done()
            self._sent += warm_up + events
            self._until(self._sent, started)
            seconds, spent = time.monotonic() - began, [b - a for a, b in zip(cpu, self._cpu(pids), strict=True)]
        finally:
            self._end(started)
        handled = self._sent - done
        own, postgres = (cost / handled * 1e6 for cost in spent)
        tell(f"{members} consumers: {handled / seconds:,.0f} events/s, CPU {own:.0f} + {postgres:.0f} µs/event")
        return {"per_second": handled / seconds, "own_us": own, "postgres_us": postgres}

    def lateness(self, *, people: int, rate: int, seconds: float, members: int = 1) -> list[float]:
        """Milliseconds from the moment an event was due to be sent to the commit of its postings."""
        started = [self.start("ledger_app.member", "--note", "--relay") for _ in range(members)]
        feed = ["ledger_app.feed", "--people", str(people), "--rate", str(rate), "--seconds"]
        try:
            self.run(*feed, "3")  # members joined, connections open, statements known
            sent = json.loads(self.run(*feed, str(seconds)))
            self._sent += 3 * rate + len(sent)
            self._until(self._sent, started)
        finally:
            said = self._end(started)
        posted: dict[str, float] = {}
        for text in said:
            posted |= json.loads(text)
        missing = sent.keys() - posted.keys()
        if missing:
            raise NotMeasured(f"{len(missing)} of {len(sent)} events were never posted")
        return [(posted[id_] - moment) * 1000 for id_, moment in sent.items()]

    def tpc_b(self, seconds: int) -> Figures:
        """pgbench's TPC-B-like transactions on the same server; made at the first call."""
        database = urlunsplit(urlsplit(self._server)._replace(path="/tpcb"))
        with psycopg.connect(self._server, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'tpcb'").fetchone():
                connection.execute("CREATE DATABASE tpcb")
                self._pgbench("-i", "-q", "-s", str(SCALE), database)
                self._settle()
        words = ["-M", "prepared", "-c", str(CLIENTS), "-j", str(THREADS), "-T", str(seconds), "-n", database]
        return self._paced("TPC-B", words)

    def floor(self, events: int, *, sessions: int) -> Figures:
        """The bare rows of so many usages, as fast as the server takes them (see floor.sql)."""
        database = urlunsplit(urlsplit(self._server)._replace(path="/billing"))
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS floor CASCADE")
            connection.execute(FLOOR.format(events=events).encode())
            connection.execute("VACUUM (ANALYZE) floor.told, floor.balance")
        self._settle()
        script = self._home / "floor.pgbench"
        script.write_text(f"SELECT floor.write({AT_ONCE});")
        turns = events // AT_ONCE // sessions
        words = ["-M", "prepared", "-c", str(sessions), "-j", "1", "-t", str(turns), "-n", "-f", str(script), database]
        return self._paced("bare rows", words, each=AT_ONCE)

    def _paced(self, what: str, words: Sequence[str], *, each: int = 1) -> Figures:
        """What pgbench makes of it, where a transaction does `each` of what is counted."""
        before = self._cpu([])[1], _cpu_of_children()
        said = self._pgbench(*words)
        speed, done = float(_TPS.findall(said)[-1]) * each, int(_DONE_BY_PGBENCH.findall(said)[0]) * each
        spent = self._cpu([])[1] - before[0], _cpu_of_children() - before[1]
        own, postgres = spent[1] / done * 1e6, spent[0] / done * 1e6
        tell(f"{what}: {speed:,.0f}/s, CPU {own:.0f} + {postgres:.0f} µs")
        return {"per_second": speed, "own_us": own, "postgres_us": postgres}

    def _settle(self) -> None:
        """Write out what was made for the measurement: its making is not what is measured."""
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def _pgbench(self, *words: str) -> str:
        from titan.embedded.postgres import binaries

        done = subprocess.run([str(binaries() / "pgbench"), *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotMeasured(f"pgbench: {done.stderr.strip().splitlines()[-1]}")
        return done.stdout

    def _cpu(self, pids: Sequence[int]) -> list[float]:
        return [sum(_cpu_of(pid) for pid in pids), cpu_of_family(self._postmaster)]

    def _done(self) -> int:
        with psycopg.connect(self._owner["TITAN_DATABASE_URL"]) as connection:
            return int(connection.execute(_DONE).fetchone()[0])  # type: ignore[index]

    def _until(self, wanted: int, members: Sequence[subprocess.Popen[str]], *, seconds: float = 600) -> None:
        """Wait until so many records are in the ledger."""
        ends = time.monotonic() + seconds
        with psycopg.connect(self._owner["TITAN_DATABASE_URL"], autocommit=True) as connection:
            while int(connection.execute(_DONE).fetchone()[0]) < wanted:  # type: ignore[index]
                if time.monotonic() > ends or any(member.poll() is not None for member in members):
                    raise NotMeasured("the consumers did not get through what was sent")
                time.sleep(0.02)

    def _end(self, members: Sequence[subprocess.Popen[str]]) -> list[str]:
        for member in members:
            member.send_signal(signal.SIGTERM)
        return [member.communicate(timeout=60)[0] for member in members]


def _cpu_of(pid: int) -> float:
    facts = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


def _cpu_of_children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


@contextlib.contextmanager
def ledger_place(brokers: Sequence[str]) -> Iterator[LedgerPlace]:
    """Servers for the length of a block, the first broker that can run here; billing migrated and nothing in it."""
    from titan.embedded.postgres import postgres
    from titan.provision import make_databases, make_topics

    with contextlib.ExitStack() as stack:
        home = _directory(stack)
        server = stack.enter_context(postgres(home))
        bootstrap = next(address for kind in brokers if (address := _started(stack, kind)))
        asyncio.run(make_topics(bootstrap))
        make_databases(server, {"billing": "bench"}, {"billing": "bench"})
        environment, owner = (_environment(server, home, bootstrap, user) for user in ("billing_app", "billing"))
        migrate = [sys.executable, "-m", "django", "migrate", "--verbosity", "0", "--skip-checks"]
        subprocess.run(migrate, env=owner, check=True)
        yield LedgerPlace(server, home, environment, owner)


def _environment(server: str, home: Path, bootstrap: str, user: str) -> dict[str, str]:
    there = urlsplit(server)
    url = urlunsplit(there._replace(netloc=f"{user}:bench@{there.hostname}:{there.port}", path="/billing"))
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("TITAN_", "DJANGO_"))}
    return outside | {
        "PYTHONPATH": os.pathsep.join([str(HERE), *(entry for entry in sys.path if entry)]),
        "DJANGO_SETTINGS_MODULE": "billing.settings",
        "TITAN_DATABASE_URL": url,
        "TITAN_KAFKA_BOOTSTRAP": bootstrap,
        "TITAN_SECRET_KEY": secrets.token_urlsafe(48),
        "TITAN_DATA_DIR": str(home),
        "TITAN_LOG_LEVEL": "ERROR",
        "PYTHONPYCACHEPREFIX": str(home / "modules"),
        "PYTHONDONTWRITEBYTECODE": "",
    }
