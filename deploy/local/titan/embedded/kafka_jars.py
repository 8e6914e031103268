"""The jars of Apache Kafka: fetched once by Maven as `deploy/local/kafka/pom.xml` says, kept for every later stack."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from titan import process
from titan.errors import PartFailed, ToolMissing
from titan.process import Command

LEAST_JAVA = 17
FETCH_SECONDS = 300.0
ELSE = "or take another broker (--kafka embedded, --kafka HOST:PORT)"


def description() -> Path:
    """The folder of pom.xml, server.properties and log4j2.yaml: in the package of a wheel, beside it in a checkout."""
    package = Path(__file__).parents[1]
    return package / "kafka" if (package / "kafka").is_dir() else package.parent / "kafka"


def version() -> str:
    """The version of Apache Kafka that TITAN runs."""
    found = ElementTree.parse(description() / "pom.xml").findtext(".//{*}kafka.version")
    if not found:
        raise PartFailed(f"{description() / 'pom.xml'} does not say which kafka.version to take.")
    return found


def java() -> str:
    """The Java that runs Kafka: of JAVA_HOME, else on the PATH. Raises ToolMissing."""
    home = os.environ.get("JAVA_HOME")
    program = shutil.which("java", path=f"{home}/bin" if home else None)
    if program is None:
        where = f"JAVA_HOME ({home}) has none" if home else "there is none on the PATH"
        raise ToolMissing(f"Apache Kafka needs Java {LEAST_JAVA} or newer and {where}: {_install('Java')}, {ELSE}.")
    said = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < LEAST_JAVA:
        one = f"is version {found[1]}" if found else f"does not say its version ({said.strip()[:80]!r})"
        raise ToolMissing(
            f"Apache Kafka needs Java {LEAST_JAVA} or newer and {program} {one}: {_install('Java')}, {ELSE}."
        )
    return program


def _install(what: str) -> str:
    package = {"Java": "default-jre-headless", "Maven": "maven"}[what]
    return f"install {what} (Debian, Ubuntu: apt-get install {package})"


def place() -> Path:
    """Where the jars are or will be; named after what they are made from, so a change of the pom fetches anew."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "titan").expanduser().absolute()
    digest = hashlib.sha256((description() / "pom.xml").read_bytes()).hexdigest()[:8]
    return cache / f"kafka-{version()}-{digest}"


def missing() -> str:
    """The sentence that says which program is not here, empty when Apache Kafka can run."""
    try:
        java()
        if not place().is_dir():
            _maven()
    except ToolMissing as error:
        return str(error)
    return ""


def fetched(say: Callable[[str], None] = lambda line: None) -> Path:
    """The folder of the jars; once there, neither Maven nor a network is needed. Raises ToolMissing, PartFailed."""
    java()
    jars = place()
    if jars.is_dir():
        return jars
    maven = _maven()
    say(f"fetching Apache Kafka {version()} with Maven, once, into {jars}")
    with _beside(jars) as fresh:
        _fetch(maven, fresh)
        with contextlib.suppress(OSError):  # somebody else was quicker
            fresh.rename(jars)
    if not jars.is_dir():
        raise PartFailed(f"The jars of Apache Kafka cannot be kept in {jars}: set XDG_CACHE_HOME to another directory.")
    return jars


def _maven() -> str:
    maven = shutil.which("mvn")
    if maven is None:
        raise ToolMissing(f"Maven is needed once, to fetch Apache Kafka {version()}: {_install('Maven')}, {ELSE}.")
    return maven


@contextlib.contextmanager
def _beside(jars: Path) -> Iterator[Path]:
    try:
        jars.parent.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(prefix="fetching-", dir=jars.parent, ignore_cleanup_errors=True)
    except OSError as error:
        raise PartFailed(
            f"{jars.parent}, where Apache Kafka is to be kept, cannot be written ({error.strerror}): "
            "set XDG_CACHE_HOME to another directory."
        ) from error
    with work as name:
        yield Path(name) / "jars"


def _fetch(maven: str, into: Path) -> None:
    log = into.parents[1] / "maven.log"
    command = Command(
        name="maven",
        argv=[
            *(maven, "--batch-mode", "--strict-checksums", "--file", str(description() / "pom.xml")),
            *("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={into}"),
        ],
        directory=into.parent,
        environment=dict(os.environ),
    )
    with log.open("wb") as output:
        fetching = process.start(command, output=output)
    try:
        code = fetching.wait(FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        code = -1
    finally:
        process.stop(fetching, command)
    if code != 0 or not list(into.glob(f"kafka_*-{version()}.jar")):
        raise PartFailed(
            f"Maven could not fetch Apache Kafka {version()} (what it said is in {log}): see that it reaches its "
            f"registry, through the mirror or proxy in its settings.xml where there is one, {ELSE}."
        )
