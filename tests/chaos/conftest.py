"""The chaos suite: `python -m pytest -p titan.testing tests/chaos`, with TITAN_TEST_BROKER=apache on Apache Kafka."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import database, ledger, traffic
from harness.breakable import breakable, broker_of_this_run
from harness.report import Report
from harness.world import PATH, World

from titan.testing import scratch_directory

HERE = Path(__file__).parent
BROKER = os.environ.get("TITAN_TEST_BROKER", "embedded")
_result = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Faults take their time: sessions have to expire, logs to drain."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(400))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Let the report know whether its test failed; one that skips itself says so in its result."""
    outcome = yield
    if outcome.when == "call":
        item.stash[_result] = not outcome.failed
    return outcome


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """The test's figures, written when it ends."""
    found = Report(test=request.node.nodeid.rpartition("/")[2], broker=BROKER)
    yield found
    found.write(passed=request.node.stash.get(_result, False))


@pytest.fixture(scope="session")
def template() -> Iterator[Callable[[str], str]]:
    """The name of a migrated database on a server, made at the first call for that server."""
    made: dict[str, str] = {}

    def on(server_url: str) -> str:
        if server_url not in made:
            name = f"chaos_{uuid4().hex[:8]}"
            database.migrate(database.make(server_url, name), PATH)
            made[server_url] = name
        return made[server_url]

    yield on
    for server_url, name in made.items():
        try:
            database.drop(server_url, name)
        except psycopg.OperationalError:
            continue  # a test's own server, gone with its test


@pytest.fixture
def make_world(
    request: pytest.FixtureRequest, tmp_path: Path, template: Callable[[str], str]
) -> Iterator[Callable[..., World]]:
    """Makes worlds; a test that breaks a server names its own, and makes the topic itself where there is none."""
    worlds: list[World] = []

    def make(
        *,
        server_url: str = "",
        bootstrap: str = "",
        topic: bool = True,
        partitions: int = 6,
        clock: Path | None = None,
    ) -> World:
        server_url = server_url or request.getfixturevalue("postgres_url")
        bootstrap = bootstrap or request.getfixturevalue("kafka_bootstrap")
        name = f"chaos{uuid4().hex[:8]}"
        url = database.make(server_url, name, template=template(server_url))
        world = World(name, server_url, url, bootstrap, tmp_path, clock=clock)
        if topic:
            traffic.make_topic(bootstrap, world.topic, partitions=partitions)
        worlds.append(world)
        return world

    yield make
    for world in worlds:
        world.end()


@pytest.fixture(scope="session")
def ledger_template() -> Callable[[str], None]:
    """Makes billing's database on a server, at the first call for that server; worlds are copies of it."""
    made: set[str] = set()

    def on(server_url: str) -> None:
        if server_url not in made:
            ledger.make_template(server_url)
            made.add(server_url)

    return on


@pytest.fixture
def make_ledger_world(
    request: pytest.FixtureRequest, tmp_path: Path, ledger_template: Callable[[str], None]
) -> Iterator[Callable[..., ledger.LedgerWorld]]:
    """Makes worlds around billing's worker, each with a broker of its own."""
    with contextlib.ExitStack() as stack:

        def make(*, server_url: str = "") -> ledger.LedgerWorld:
            server_url = server_url or request.getfixturevalue("postgres_url")
            ledger_template(server_url)
            broker = stack.enter_context(breakable(broker_of_this_run(), stack.enter_context(scratch_directory())))
            world = ledger.make_world(f"chaos{uuid4().hex[:8]}", server_url, broker, tmp_path)
            stack.callback(world.end)
            return world

        yield make


@pytest.fixture
def ledger_world(make_ledger_world: Callable[..., ledger.LedgerWorld]) -> ledger.LedgerWorld:
    """A world around billing's worker on the session's PostgreSQL."""
    return make_ledger_world()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world on the session's servers."""
    return make_world()
