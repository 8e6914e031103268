"""Where the bus is measured: a durable PostgreSQL, a broker, and a process of its own for each measured step."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

HERE = Path(__file__).parent
BROKERS = {"embedded": "the embedded broker", "apache": "Apache Kafka"}
Figures = dict[str, float]


class NotMeasured(RuntimeError):
    """A step did not end as it should."""


class Place:
    """A PostgreSQL and one broker, on which steps run one after another, each with a topic of its own."""

    _numbers = count(1)

    def __init__(self, broker: str, bootstrap: str, environment: dict[str, str]) -> None:
        self.broker = broker
        self._environment = environment | {"TITAN_KAFKA_BOOTSTRAP": bootstrap}
        self._bootstrap = bootstrap

    def topic(self) -> str:
        """A new topic with six partitions, as the platform's have."""
        from event_bus.topics import ensure_topics

        name = f"titan.bench{next(self._numbers)}.v1"
        asyncio.run(ensure_topics(self._bootstrap, [name], partitions=6))
        return name

    def step(self, name: str, events: int, topic: str) -> Figures:
        """One measured step of bus_app.steps."""
        command = ["bus_app.steps", name, "--events", str(events), "--topic", topic, "--group", f"{topic}.{name}"]
        found: Figures = json.loads(self.result(self.start(*command)))
        tell(f"{name} on {BROKERS[self.broker]}: {found['per_second']:,.0f} events/s of {events:,}")
        return found

    def result(self, process: subprocess.Popen[str], *, seconds: float = 1_200) -> str:
        """What a process says until its end. Raises NotMeasured."""
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise NotMeasured(f"{process.args[2:]} took more than {seconds:.0f} s") from None
        if process.returncode:
            raise NotMeasured(f"{process.args[2:]} ended with {process.returncode}")
        return said

    def start(self, module: str, *arguments: str) -> subprocess.Popen[str]:
        """A process of the bench's service."""
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments], env=self._environment, stdout=subprocess.PIPE, text=True
        )


@contextlib.contextmanager
def servers(wanted: Sequence[str]) -> Iterator[list[Place]]:
    from titan.embedded.postgres import postgres

    with contextlib.ExitStack() as stack:
        home = _directory(stack)
        environment = _prepared(stack.enter_context(postgres(home)), home)
        found = {kind: _started(stack, kind) for kind in wanted}
        yield [Place(kind, address, environment) for kind, address in found.items() if address]


def _started(stack: contextlib.ExitStack, kind: str) -> str | None:
    from titan.embedded.apache_kafka import apache_kafka
    from titan.embedded.kafka import kafka
    from titan.errors import TitanError

    try:
        return stack.enter_context((apache_kafka if kind == "apache" else kafka)(_directory(stack)))
    except TitanError as error:  # no Java here, say
        tell(f"not measured on {BROKERS[kind]}: {error}")
        return None


def _directory(stack: contextlib.ExitStack) -> Path:
    made = stack.enter_context(tempfile.TemporaryDirectory(prefix="titan-bench-", ignore_cleanup_errors=True))
    Path(made).chmod(0o711)  # when we are root, PostgreSQL runs as somebody else and must get through
    return Path(made)


def _prepared(server: str, home: Path) -> dict[str, str]:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bus_app")
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("TITAN_", "DJANGO_"))}
    environment = outside | {
        "PYTHONPATH": os.pathsep.join([str(HERE), *(entry for entry in sys.path if entry)]),
        "DJANGO_SETTINGS_MODULE": "bus_app.settings",
        "TITAN_DATABASE_URL": urlunsplit(urlsplit(server)._replace(path="/bus_app")),
        "TITAN_SECRET_KEY": secrets.token_urlsafe(48),
        "TITAN_DATA_DIR": str(home),
        "TITAN_LOG_LEVEL": "ERROR",
        # Many short processes: where nothing may be written beside the modules, each would compile them all anew.
        "PYTHONPYCACHEPREFIX": str(home / "modules"),
        "PYTHONDONTWRITEBYTECODE": "",
        "TITAN_BENCH_POSTGRES_PID": (home / "pg" / "postmaster.pid").read_text().split()[0],
    }
    migrate = [sys.executable, "-m", "django", "migrate", "--verbosity", "0", "--skip-checks"]  # it has no pages
    subprocess.run(migrate, env=environment, check=True)
    return environment


def tell(text: str) -> None:
    """How far it is, for whoever waits."""
    sys.stderr.write(f"bench: {text}\n")
