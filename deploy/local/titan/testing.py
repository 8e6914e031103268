"""Throwaway PostgreSQL, Valkey and broker for tests: a pytest plugin, and `python -m titan.testing -- COMMAND`.

The command form starts all three once and hands their addresses to COMMAND (`TITAN_TEST_POSTGRES_URL`,
`TITAN_TEST_VALKEY`, `TITAN_TEST_KAFKA`); the plugin uses those, or starts what a test session needs itself. The broker
is the embedded one, or Apache Kafka with `TITAN_TEST_BROKER=apache`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

import pytest

from titan.configuration import APACHE, EMBEDDED, PORTS
from titan.embedded.apache_kafka import apache_kafka
from titan.embedded.kafka import kafka
from titan.embedded.postgres import postgres
from titan.embedded.valkey import valkey
from titan.errors import WrongSetting
from titan.provision import make_topics

POSTGRES = "TITAN_TEST_POSTGRES_URL"
VALKEY = "TITAN_TEST_VALKEY"
KAFKA = "TITAN_TEST_KAFKA"
BROKER = "TITAN_TEST_BROKER"
BROKERS: dict[str, Callable[[Path], AbstractContextManager[str]]] = {EMBEDDED: kafka, APACHE: apache_kafka}
NOBODY_LISTENS = "127.0.0.1:9"

_servers = contextlib.ExitStack()
# The bases of ports that this process has taken, with the open files whose locks say so.
_own_bases: dict[int, int] = {}


@contextlib.contextmanager
def scratch_directory() -> Iterator[Path]:
    """A directory for servers' files, gone afterwards.

    Not below pytest's own: each new run of pytest closes that to other users, and so to a PostgreSQL that starts again.
    """
    with tempfile.TemporaryDirectory(prefix="titan-test-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)  # when we are root, PostgreSQL runs as somebody else and must get through
        yield Path(name)


def free_port_base() -> int:
    """A base under which all ports of a stack are free right now, below those that the system hands to clients.

    It stays this process's own until it ends: a stack takes seconds to open its ports, and another test run beside this
    one would find them free all the while.
    """
    bases = range(10_000, 32_000, 200)
    first = os.getpid() % len(bases)  # test runs beside each other begin at different ones
    candidates: list[int] = [*bases[first:], *bases[:first]]
    for base in candidates:
        if _is_own(base) and all(_is_free(base + offset) for offset in PORTS.values()):
            return base
    raise RuntimeError("no free ports")


def _is_own(base: int) -> bool:
    if base not in _own_bases:
        try:
            reserved = os.open(Path(tempfile.gettempdir()) / f"titan-test-ports-{base}", os.O_CREAT | os.O_RDWR, 0o666)
        except OSError:
            return False  # somebody else's
        try:
            fcntl.flock(reserved, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(reserved)
            return False
        _own_bases[base] = reserved
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def postgres_address() -> str:
    """The session's PostgreSQL, started at the first call; not durable, for speed."""
    if POSTGRES not in os.environ:
        home = _servers.enter_context(scratch_directory())
        os.environ[POSTGRES] = _servers.enter_context(postgres(home, durable=False))
        _servers.callback(os.environ.pop, POSTGRES)
    return os.environ[POSTGRES]


def valkey_address() -> str:
    """The session's Valkey, started at the first call."""
    if VALKEY not in os.environ:
        home = _servers.enter_context(scratch_directory())
        os.environ[VALKEY] = _servers.enter_context(valkey(home))
        _servers.callback(os.environ.pop, VALKEY)
    return os.environ[VALKEY]


def broker(data_dir: Path) -> AbstractContextManager[str]:
    """A broker of the chosen kind for the length of a block, which yields its bootstrap address."""
    kind = os.environ.get(BROKER, EMBEDDED)
    if kind not in BROKERS:
        raise WrongSetting(f"{BROKER} is {kind!r}: give one of {', '.join(BROKERS)}.")
    return BROKERS[kind](data_dir)


def kafka_address() -> str:
    """The session's broker with the services' topics, started at the first call."""
    if KAFKA not in os.environ:
        home = _servers.enter_context(scratch_directory())
        os.environ[KAFKA] = _servers.enter_context(broker(home))
        _servers.callback(os.environ.pop, KAFKA)
        # In a thread: whoever asks first may do so while an event loop runs.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, make_topics(os.environ[KAFKA])).result()
    return os.environ[KAFKA]


def service_environment(service: str) -> dict[str, str]:
    """The variables a service's settings need under test; whatever a running stack exported is replaced."""
    home = _servers.enter_context(scratch_directory())
    return {
        "TITAN_DATABASE_URL": urlunsplit(urlsplit(postgres_address())._replace(path=f"/{service}")),
        "TITAN_VALKEY_URL": valkey_address(),
        "TITAN_KAFKA_BOOTSTRAP": os.environ.get(KAFKA, NOBODY_LISTENS),
        "TITAN_SECRET_KEY": secrets.token_urlsafe(48),
        "TITAN_MASTER_KEYS": "test:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "TITAN_DATA_DIR": str(home),
    }


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Give a Django part its database before pytest-django reads the part's settings."""
    module = os.environ.get("DJANGO_SETTINGS_MODULE") or _ini(early_config, "DJANGO_SETTINGS_MODULE")
    if module:
        os.environ.pop("TITAN_TIMESERIES_URL", None)
        os.environ.update(service_environment(module.split(".")[0]))
    return (yield)


def _ini(config: pytest.Config, name: str) -> str:
    with contextlib.suppress(ValueError, KeyError):  # without pytest-django the option is unknown
        return str(config.getini(name) or "")
    return ""


def pytest_unconfigure() -> None:
    """Stop what this session started."""
    _servers.close()


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The superuser's URL of a throwaway PostgreSQL."""
    return postgres_address()


@pytest.fixture(scope="session")
def valkey_url() -> str:
    """The URL of a throwaway Valkey."""
    return valkey_address()


@pytest.fixture(scope="session")
def kafka_bootstrap() -> str:
    """The bootstrap address of a throwaway broker. Tests share it: use groups of your own, and your own topics too."""
    return kafka_address()


def main(command: list[str]) -> int:
    """Run `command` beside the three servers and return its exit code."""
    signal.signal(signal.SIGTERM, _exit)
    with _servers:
        postgres_address()
        valkey_address()
        kafka_address()
        child = subprocess.Popen(command)
        try:
            return child.wait()
        except KeyboardInterrupt:
            return child.wait() or 130  # it got the same Ctrl-C and reports what it did
        finally:
            child.terminate()


def _exit(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--"]:
        arguments = arguments[1:]
    if not arguments:
        sys.exit("usage: python -m titan.testing -- COMMAND [ARGUMENT…]")
    sys.exit(main(arguments))
