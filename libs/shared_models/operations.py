"""Migration operations for time series: hypertables and continuous aggregates, on whatever PostgreSQL they find."""

from __future__ import annotations

import logging
from enum import Enum
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Model

log = logging.getLogger("titan.timeseries")


class Tier(Enum):
    """How much of TimescaleDB a database offers."""

    COMMUNITY = "TimescaleDB with compression, policies and continuous aggregates"
    APACHE = "TimescaleDB, Apache edition: hypertables only"
    PLAIN = "plain PostgreSQL: ordinary table with a BRIN index on time"


_said: set[Tier] = set()


def tier_of(connection: Any) -> Tier:
    """Which tier the database of `connection` is; one cheap query, or two."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
        if cursor.fetchone() is None:
            return Tier.PLAIN
        return Tier.COMMUNITY if licence_of(cursor) == "timescale" else Tier.APACHE


def licence_of(cursor: Any) -> str | None:
    """The licence under which TimescaleDB runs there: `timescale` or `apache`."""
    cursor.execute("SELECT current_setting('timescaledb.license', true)")
    (licence,) = cursor.fetchone()
    return None if licence is None else str(licence)


def is_hypertable(connection: Any, table: str) -> bool:
    """Whether TimescaleDB, which is there, keeps that table in chunks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_name = %s", [table])
        return cursor.fetchone() is not None


class TimeseriesOperation(Operation):
    """Changes a time series table's form in its own database, and never the model's Python state."""

    reduces_to_sql = True
    reversible = True
    model_name: str

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The model's Python state does not change."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Run where the router puts the model; elsewhere do nothing."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            tier = tier_of(schema_editor.connection)
            _say_once(tier)
            self.make(schema_editor, model, tier)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Undo it in the same database."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            self.unmake(schema_editor, model, tier_of(schema_editor.connection))

    def make(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model], tier: Tier) -> None:
        """Give the table its form, as far as `tier` can."""
        raise NotImplementedError

    def unmake(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model], tier: Tier) -> None:
        """Take that form away again; rows stay."""
        raise NotImplementedError


class CreateHypertable(TimeseriesOperation):
    """Make `model_name` a hypertable over `time_column`; on plain PostgreSQL give it a BRIN index instead.

    `chunk_interval`, `compress_after` and `retain` are PostgreSQL intervals as text ('7 days'); `segment_by` names the
    columns that compressed rows are grouped by. What is said here is said once: where no policy of TimescaleDB keeps
    `retain`, `shared_models.retention` reads it from this operation and keeps it. Backwards it becomes an ordinary
    table again, rows kept.
    """

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

    def make(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model], tier: Tier) -> None:
        """Hypertable and policies, hypertable alone, or a BRIN index."""
        for statement in self.statements(model._meta.db_table, tier):
            schema_editor.execute(statement)

    def unmake(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model], tier: Tier) -> None:
        """Drop the BRIN index, or copy the rows back into an ordinary table."""
        table = model._meta.db_table
        if tier is Tier.PLAIN:
            schema_editor.execute(f'DROP INDEX IF EXISTS "{_brin(table)}"')
        else:
            _back_to_plain(schema_editor, model)

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


class CreateContinuousAggregate(TimeseriesOperation):
    """Keep what `select` says of `model_name`'s table under `name`, where TimescaleDB can; elsewhere do nothing.

    It cannot where the table was made before the database got TimescaleDB and is no hypertable.
    The aggregate holds what was refreshed and nothing else (`materialized_only`): whoever reads it knows how far that
    is and asks the table for the rest. It begins empty, since it is made inside the migration's transaction.
    """

    def __init__(self, model_name: str, name: str, select: str) -> None:
        self.model_name = model_name
        self.name = name
        self.select = select

    def make(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model], tier: Tier) -> None:
        """Define the aggregate, empty."""
        if tier is Tier.COMMUNITY and is_hypertable(schema_editor.connection, model._meta.db_table):
            options = "timescaledb.continuous, timescaledb.materialized_only = true"
            schema_editor.execute(
                f'CREATE MATERIALIZED VIEW "{self.name}" WITH ({options}) AS {self.select} WITH NO DATA', params=None
            )

    def unmake(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model], tier: Tier) -> None:
        """Drop the aggregate; the table it was made of keeps its rows."""
        if tier is Tier.COMMUNITY:
            schema_editor.execute(f'DROP MATERIALIZED VIEW IF EXISTS "{self.name}"')

    def describe(self) -> str:
        """One line for `migrate`'s output."""
        return f"Aggregate {self.model_name} as {self.name}"


def _brin(table: str) -> str:
    return f"{table}_time_brin"


def _back_to_plain(schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> None:
    # A hypertable cannot be un-made in place; the documented way is a copy. Django makes the table anew, so that
    # its constraints and indexes have the names that other migrations know them by.
    table, rows = model._meta.db_table, f"{model._meta.db_table}_rows"
    columns = ", ".join(f'"{field.column}"' for field in model._meta.local_concrete_fields if field.column)
    schema_editor.execute(f'CREATE TABLE "{rows}" AS SELECT {columns} FROM "{table}"')
    schema_editor.execute(f'DROP TABLE "{table}"')
    schema_editor.create_model(model)
    schema_editor.execute(f'INSERT INTO "{table}" ({columns}) SELECT {columns} FROM "{rows}"')
    schema_editor.execute(f'DROP TABLE "{rows}"')


def _say_once(tier: Tier) -> None:
    if tier not in _said:
        _said.add(tier)
        log.info("timeseries.tier found=%s", tier.value)
