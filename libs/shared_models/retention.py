"""Forgetting old time series rows where no policy of TimescaleDB does it, equally on every tier."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from shared_models.clock import utc_now
from shared_models.operations import CreateHypertable, Tier, tier_of
from shared_models.timeseries import ALIAS

log = logging.getLogger("titan.timeseries")

BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Retained:
    """How long a table's rows are kept, as its migration declares it."""

    table: str
    time_column: str
    chunk_interval: str
    retain: str


def declared() -> list[Retained]:
    """What the migrations of this process's services say, the newest word for each table."""
    found: dict[str, Retained] = {}
    loader = MigrationLoader(None)
    for (app_label, _), migration in sorted(loader.disk_migrations.items()):
        for operation in migration.operations:
            if isinstance(operation, CreateHypertable):
                table = apps.get_model(app_label, operation.model_name)._meta.db_table
                found.pop(table, None)
                if operation.retain:
                    found[table] = Retained(table, operation.time_column, operation.chunk_interval, operation.retain)
    return list(found.values())


def forget_expired(*, now: datetime | None = None) -> dict[str, int]:
    """Delete the rows whose whole chunk is past its time; how many of each table that is kept here.

    A table with a retention policy of TimescaleDB is left to it. Elsewhere the same rows go: chunks dropped from a
    hypertable, batches deleted from an ordinary table, up to the same boundary, so that a table's rows do not depend
    on the kind of database below. Run twice, the second time finds nothing.
    """
    forgotten = {}
    for kept in declared():
        with connections[ALIAS].cursor() as cursor:
            form = _form_of(cursor, kept.table)
            if form != "policy":
                boundary = _boundary(cursor, kept, now or utc_now())
                forget = _drop_chunks if form == "hypertable" else _delete
                forgotten[kept.table] = forget(cursor, kept, boundary)
                log.info("timeseries.forgotten table=%s rows=%d", kept.table, forgotten[kept.table])
    return forgotten


def _form_of(cursor: Any, table: str) -> str:
    if tier_of(cursor.db) is Tier.PLAIN:
        return "table"
    cursor.execute(
        "SELECT (SELECT count(*) FROM timescaledb_information.jobs j"
        "         WHERE j.hypertable_name = h.hypertable_name AND j.proc_name = 'policy_retention')"
        " FROM timescaledb_information.hypertables h WHERE h.hypertable_name = %s",
        [table],
    )
    row = cursor.fetchone()
    if row is None:
        return "table"
    return "policy" if row[0] else "hypertable"


def _boundary(cursor: Any, kept: Retained, now: datetime) -> datetime:
    # Chunks begin at multiples of their interval since the epoch.
    cursor.execute(
        "SELECT date_bin(%s::interval, %s::timestamptz - %s::interval, '1970-01-01 00:00+00'::timestamptz)",
        [kept.chunk_interval, now, kept.retain],
    )
    (boundary,) = cursor.fetchone()
    assert isinstance(boundary, datetime)
    return boundary


def _drop_chunks(cursor: Any, kept: Retained, boundary: datetime) -> int:
    cursor.execute(f'SELECT count(*) FROM "{kept.table}" WHERE "{kept.time_column}" < %s', [boundary])
    (rows,) = cursor.fetchone()
    cursor.execute("SELECT drop_chunks(%s::regclass, older_than => %s::timestamptz)", [f'"{kept.table}"', boundary])
    return int(rows)


def _delete(cursor: Any, kept: Retained, boundary: datetime) -> int:
    return sum(_batches(cursor, kept, boundary))


def _batches(cursor: Any, kept: Retained, boundary: datetime) -> Iterator[int]:
    # Small transactions: a long one would keep vacuum from every table of the server.
    while True:
        cursor.execute(
            f'DELETE FROM "{kept.table}" WHERE ctid = ANY(ARRAY('
            f'SELECT ctid FROM "{kept.table}" WHERE "{kept.time_column}" < %s LIMIT {BATCH}))',
            [boundary],
        )
        yield cursor.rowcount
        if cursor.rowcount < BATCH:
            return
