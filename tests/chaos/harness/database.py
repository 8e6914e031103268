"""The service's databases, one a test, and the questions that tell whether delivery kept its promise."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

# The trigger's upsert locks the key's row, so `newest` tells the order in which effects were committed, whoever did it.
NOTICE_ORDER = """
CREATE TABLE newest_effect (key varchar PRIMARY KEY, number bigint NOT NULL);
CREATE FUNCTION note_newest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO newest_effect VALUES (NEW.key, 0) ON CONFLICT DO NOTHING;
    SELECT number INTO NEW.newest FROM newest_effect WHERE key = NEW.key FOR UPDATE;
    UPDATE newest_effect SET number = greatest(number, NEW.number) WHERE key = NEW.key;
    RETURN NEW;
END $$;
CREATE TRIGGER note_newest BEFORE INSERT ON effect FOR EACH ROW EXECUTE FUNCTION note_newest();
"""
LOST = """
SELECT count(*) FROM counter CROSS JOIN generate_series(1, counter.number) AS wanted
LEFT JOIN effect ON effect.key = counter.name AND effect.number = wanted WHERE effect.id IS NULL
"""
DOUBLED = "SELECT count(*) - count(DISTINCT event_id) FROM effect"
INVERTED = """
SELECT count(*) FROM (SELECT DISTINCT ON (event_id) number, newest FROM effect ORDER BY event_id, id) AS first_effect
WHERE newest > number
"""
SESSIONS = """
SELECT concat_ws(' ', pid, 'behind', pg_blocking_pids(pid), state, wait_event,
                 left(regexp_replace(query, '\\s+', ' ', 'g'), 90))
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


@dataclass(frozen=True)
class Verdict:
    """What became of the events: all three are 0 when delivery kept its promise."""

    lost: int
    doubled: int
    inverted: int


def at(server_url: str, database: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{database}"))


def make(server_url: str, name: str, *, template: str | None = None) -> str:
    """A new database; its URL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
    return at(server_url, name)


def drop(server_url: str, name: str) -> None:
    """Remove a database with whoever is connected to it."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def migrate(url: str, path: list[Path]) -> None:
    """Make the service's tables."""
    environment = os.environ | {
        "TITAN_DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "harness.probe.settings",
        "PYTHONPATH": os.pathsep.join(map(str, path)),
    }
    command = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    with psycopg.connect(url) as connection:
        connection.execute(NOTICE_ORDER)


def verdict(url: str) -> Verdict:
    """Lost, doubled and inverted, each by one query."""
    with psycopg.connect(url, autocommit=True) as connection:
        return Verdict(*(_number(connection, query) for query in (LOST, DOUBLED, INVERTED)))


def number(url: str, query: str) -> int:
    """The one number that `query` asks for."""
    with psycopg.connect(url, autocommit=True) as connection:
        return _number(connection, query)


def _number(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def sessions(url: str) -> list[str]:
    """A line for each session that is in the midst of something, and for whom it waits."""
    with psycopg.connect(url, autocommit=True) as connection:
        return [str(row[0]) for row in connection.execute(SESSIONS).fetchall()]


def execute(url: str, statement: str) -> None:
    """Run one statement."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
