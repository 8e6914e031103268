"""Apache Kafka itself, one node for broker and controller on loopback, where Java is: `titan up --kafka apache`."""

from __future__ import annotations

import base64
import contextlib
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

from titan.embedded import kafka_jars
from titan.embedded.kafka import is_ready
from titan.embedded.server import free_port, plain_environment, running
from titan.errors import PartFailed
from titan.process import Command

MOST_HEAP = "512m"
# The quick compiler only: half the processor time to start, and no more for an event until millions have passed.
QUICK = "-XX:TieredStopAtLevel=1"


@contextlib.contextmanager
def apache_kafka(data_dir: Path, *, port: int | None = None) -> Iterator[str]:
    """A broker for the length of a block: yields its bootstrap address. Raises ToolMissing, PartFailed."""
    kafka_jars.fetched()
    chosen = port or free_port()
    home = data_dir.resolve()
    prepare(home, port=chosen, controller=free_port())
    with running(server(home), lambda: is_ready(chosen), data_dir / "kafka.log"):
        yield f"127.0.0.1:{chosen}"


def server(data_dir: Path) -> Command:
    """The command that runs the broker in the foreground, as `prepare` set it up."""
    home = _home(data_dir)
    return Command(
        name="kafka",
        argv=[
            *(kafka_jars.java(), f"-Xmx{MOST_HEAP}", QUICK, "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"),
            f"-Dlog4j2.configurationFile={kafka_jars.description() / 'log4j2.yaml'}",
            *("-cp", _class_path(), "kafka.Kafka", str(_settings(home))),
        ],
        directory=home,
        environment=plain_environment(data_dir),
        grace=20.0,
    )


def prepare(data_dir: Path, *, port: int, controller: int) -> None:
    """Write the settings of this start and, the first time, format the directory of the log. Raises PartFailed."""
    home = _home(data_dir)
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    _settings(home).write_text(
        (kafka_jars.description() / "server.properties").read_text()
        + f"\nlisteners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n"
        + f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n"
        + f"controller.quorum.voters=1@127.0.0.1:{controller}\n"
        + f"log.dirs={_escaped(home / 'log')}\n"
    )
    if not (home / "log" / "meta.properties").exists():  # the last that formatting writes
        _format(data_dir, home)


def _format(data_dir: Path, home: Path) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "_")
    tool = [kafka_jars.java(), QUICK, "-cp", _class_path(), "kafka.tools.StorageTool"]
    done = subprocess.run(
        [*tool, "format", "--cluster-id", cluster, "--config", str(_settings(home))],
        env=plain_environment(data_dir),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        words = " / ".join(line.strip() for line in (done.stdout + done.stderr).splitlines()[-3:])
        raise PartFailed(f"Apache Kafka could not format {home / 'log'}: {words}")


def _home(data_dir: Path) -> Path:
    return data_dir / "apache-kafka"


def _settings(home: Path) -> Path:
    return home / "server.properties"


def _class_path() -> str:
    return f"{kafka_jars.place()}/*"


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\")
