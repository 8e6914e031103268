"""The three kinds of database a time series can live in; each test runs on all of them, or says which it skips."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shared_models import operations
from shared_models.operations import Tier
from shared_models.timeseries import ALIAS

HERE = Path(__file__).parent
TIERS = {"plain": Tier.PLAIN, "apache": Tier.APACHE, "timescale": Tier.COMMUNITY}


@pytest.fixture(scope="session", params=list(TIERS))
def tier(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Iterator[Tier]:
    """The `timeseries` database is, in turn, plain PostgreSQL, TimescaleDB as if Apache licensed, and TimescaleDB."""
    found = TIERS[request.param]
    if found is Tier.PLAIN:
        yield found
        return
    with (
        timescaledb(request.param) as place,
        django_db_blocker.unblock(),
        pointed_at(place),
        pytest.MonkeyPatch.context() as patch,
    ):
        if found is Tier.APACHE:
            # The WebAssembly build reads no configuration file, so that its licence cannot be chosen.
            patch.setattr(operations, "licence_of", lambda cursor: "apache")
        migrate()
        yield found


@contextmanager
def timescaledb(name: str) -> Iterator[dict[str, Any]]:
    """A TimescaleDB of our own: how Django reaches it. Skips, by name, where Node or its packages are missing."""
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules").is_dir():
        pytest.skip("TimescaleDB was NOT tested: needs node and `npm install` in tests/timescale (see run.sh)")
    server = subprocess.Popen([node, "server.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line, "TimescaleDB did not start; what node said stands above"
        yield {
            "HOST": "127.0.0.1",
            "PORT": str(json.loads(line)["port"]),
            "NAME": name,  # one database whatever the name
            "USER": "postgres",
            "PASSWORD": "any",
            "OPTIONS": {"sslmode": "disable"},
        }
    finally:
        server.communicate(timeout=60)


@contextmanager
def pointed_at(place: dict[str, Any]) -> Iterator[None]:
    """The `timeseries` alias leads to `place` meanwhile."""
    from django.db import connections

    connection = connections[ALIAS]
    connection.close()
    before = dict(connection.settings_dict)
    connection.settings_dict.update(place)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.clear()
        connection.settings_dict.update(before)


def migrate(*target: str) -> None:
    """Migrate the `timeseries` database, to its newest form when nothing is said."""
    from django.core.management import call_command

    call_command("migrate", *target, database=ALIAS, verbosity=0)


@pytest.fixture
def migrating() -> Iterator[Callable[..., None]]:
    """Migrates there and back; whatever happens, the next test finds the newest form."""
    yield migrate
    migrate()


@pytest.fixture
def ask() -> Callable[..., list[tuple[Any, ...]]]:
    """Asks the `timeseries` database in SQL."""
    from django.db import connections

    def rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return list(cursor.fetchall()) if cursor.description else []

    return rows
