"""Databases, roles and topics: `python -m titan.provision` makes what is missing and reads the schema stamps.

A program of its own, so that the supervisor, which lives long, needs neither a database driver nor a Kafka client.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg import sql

from titan.configuration import SERVICES
from titan.errors import PartFailed

TOPICS = (*(f"titan.{service}.v1" for service in SERVICES), "titan.platform.log.v1")
PARTITIONS = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to make, handed over on standard input because it holds passwords."""

    postgres: str
    databases: dict[str, str]
    applications: dict[str, str]
    kafka: str

    def as_json(self) -> str:
        return json.dumps(asdict(self))


def make_databases(url: str, passwords: dict[str, str], applications: dict[str, str]) -> dict[str, str]:
    """One role and two databases (its own, its time series) for each service, with no way into another's.

    A service among `applications` gets a second role, `<service>_app`, that may open its database and owns nothing.
    Returns the schema stamp that the last migration left on each service's database.
    """
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        for service, password in passwords.items():
            _make_role(connection, service, password)
            _make_database(connection, service, service)
            if _make_database(connection, f"{service}_timeseries", service):
                _give_timescaledb(url, f"{service}_timeseries")
        for service, password in applications.items():
            _make_role(connection, f"{service}_app", password)
            role = sql.Identifier(f"{service}_app")
            connection.execute(
                sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(sql.Identifier(service), role)
            )
        stamps = connection.execute(
            "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = ANY(%s)",
            [list(passwords)],
        )
        return {name: stamp or "" for name, stamp in stamps}


def _make_role(connection: psycopg.Connection[Any], role: str, password: str) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb = sql.SQL("ALTER ROLE" if exists else "CREATE ROLE")
    connection.execute(sql.SQL("{} {} LOGIN PASSWORD {}").format(verb, sql.Identifier(role), password))


def _make_database(connection: psycopg.Connection[Any], database: str, owner: str) -> bool:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
        return False
    name, role = sql.Identifier(database), sql.Identifier(owner)
    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))  # a superuser elsewhere may be none
    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(name, role))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    return True


def _give_timescaledb(url: str, database: str) -> None:
    # Only while it has no tables: they are made hypertables when they are migrated, and never later.
    with psycopg.connect(url, dbname=database, autocommit=True, connect_timeout=10) as connection:
        if connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone():
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")


async def make_topics(bootstrap: str) -> None:
    """Every topic with its partitions; those that exist are left as they are. Raises PartFailed."""
    from event_bus.topics import ensure_topics

    try:
        await ensure_topics(bootstrap, TOPICS, partitions=PARTITIONS)
    except ConnectionError as error:
        raise PartFailed(f"Kafka at {bootstrap}: {error}.") from error


def main() -> int:
    """Read Wanted from standard input, print the stamps as JSON; errors are one sentence on standard error."""
    wanted = Wanted(**json.load(sys.stdin))
    try:
        stamps = make_databases(wanted.postgres, wanted.databases, wanted.applications)
        asyncio.run(make_topics(wanted.kafka))
    except psycopg.Error as error:
        sys.stderr.write(f"PostgreSQL: {str(error).strip().splitlines()[0]}\n")
        return 1
    except PartFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(stamps) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
