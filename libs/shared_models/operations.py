"""Migration operation that turns a table into a hypertable, on whatever kind of PostgreSQL it finds."""

from __future__ import annotations

import logging
from enum import Enum
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

log = logging.getLogger("titan.timeseries")


class Tier(Enum):
    """How much of TimescaleDB a database offers."""

    COMMUNITY = "TimescaleDB with compression, policies and continuous aggregates"
    APACHE = "TimescaleDB, Apache edition: hypertables only"
    PLAIN = "plain PostgreSQL: ordinary table with a BRIN index on time"


_said: set[Tier] = set()


def tier_of(connection: Any) -> Tier:
    """Which tier the database of `connection` is; one cheap query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
        if cursor.fetchone() is None:
            return Tier.PLAIN
        cursor.execute("SELECT current_setting('timescaledb.license', true)")
        row = cursor.fetchone()
    return Tier.COMMUNITY if row and row[0] == "timescale" else Tier.APACHE


class CreateHypertable(Operation):
    """Make `model_name` a hypertable over `time_column`; on plain PostgreSQL give it a BRIN index instead.

    `chunk_interval`, `compress_after` and `retain` are PostgreSQL intervals as text ('7 days'); `segment_by` names the
    columns that compressed rows are grouped by. Backwards it becomes an ordinary table again, rows kept.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(
        self,
        model_name: str,
        time_column: str,
        *,
        chunk_interval: str = "7 days",
        compress_after: str | None = None,
        segment_by: tuple[str, ...] = (),
        retain: str | None = None,
    ) -> None:
        self.model_name = model_name
        self.time_column = time_column
        self.chunk_interval = chunk_interval
        self.compress_after = compress_after
        self.segment_by = tuple(segment_by)
        self.retain = retain

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The model's Python state does not change."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Run where the router puts the model; elsewhere do nothing."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        tier = tier_of(schema_editor.connection)
        _say_once(tier)
        for statement in self.statements(model._meta.db_table, tier):
            schema_editor.execute(statement)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Undo: drop the BRIN index, or copy the rows back into an ordinary table."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        table = model._meta.db_table
        tier = tier_of(schema_editor.connection)
        undo = [f'DROP INDEX IF EXISTS "{_brin(table)}"'] if tier is Tier.PLAIN else _back_to_plain(table)
        for statement in undo:
            schema_editor.execute(statement)

    def statements(self, table: str, tier: Tier) -> list[str]:
        """The SQL for one tier, in order."""
        if tier is Tier.PLAIN:
            return [f'CREATE INDEX "{_brin(table)}" ON "{table}" USING brin ("{self.time_column}")']
        made = [
            f"SELECT create_hypertable('\"{table}\"', '{self.time_column}', "
            f"chunk_time_interval => INTERVAL '{self.chunk_interval}', migrate_data => true)"
        ]
        return made + (self._community(table) if tier is Tier.COMMUNITY else [])

    def _community(self, table: str) -> list[str]:
        made = []
        if self.compress_after:
            segment = f", timescaledb.compress_segmentby = '{', '.join(self.segment_by)}'" if self.segment_by else ""
            made.append(f'ALTER TABLE "{table}" SET (timescaledb.compress{segment})')
            made.append(f"SELECT add_compression_policy('\"{table}\"', INTERVAL '{self.compress_after}')")
        if self.retain:
            made.append(f"SELECT add_retention_policy('\"{table}\"', INTERVAL '{self.retain}')")
        return made

    def describe(self) -> str:
        """One line for `migrate`'s output."""
        return f"Make {self.model_name} a hypertable over {self.time_column}"


def _brin(table: str) -> str:
    return f"{table}_time_brin"


def _back_to_plain(table: str) -> list[str]:
    # A hypertable cannot be un-made in place; the documented way is a copy.
    return [
        f'CREATE TABLE "{table}_plain" (LIKE "{table}" INCLUDING ALL)',
        f'INSERT INTO "{table}_plain" SELECT * FROM "{table}"',
        f'DROP TABLE "{table}"',
        f'ALTER TABLE "{table}_plain" RENAME TO "{table}"',
    ]


def _say_once(tier: Tier) -> None:
    if tier not in _said:
        _said.add(tier)
        log.info("timeseries.tier found=%s", tier.value)
