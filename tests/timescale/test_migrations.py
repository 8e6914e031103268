"""The migrations of a service with time series tables, on each kind of database."""

import logging

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connections

from shared_models import operations
from shared_models.operations import CreateHypertable, Tier
from shared_models.timeseries import ALIAS, registered

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "timeseries"])


def hypertables() -> dict[str, CreateHypertable]:
    """The operations that made this service's hypertables, by table."""
    from django.db.migrations.loader import MigrationLoader

    found = {}
    for (app, _), migration in sorted(MigrationLoader(None).disk_migrations.items()):
        for operation in migration.operations:
            if isinstance(operation, CreateHypertable):
                found[apps.get_model(app, operation.model_name)._meta.db_table] = operation
    return found


def tables() -> set[str]:
    return {apps.get_model(label)._meta.db_table for label in registered()}


def constraints(table: str) -> dict[str, tuple[str, ...]]:
    """The constraints and indexes that Django knows by name; hypertables add one for time."""
    with connections[ALIAS].cursor() as cursor:
        found = connections[ALIAS].introspection.get_constraints(cursor, table)
    return {name: tuple(one["columns"]) for name, one in found.items() if one["primary_key"] or one["check"]}


def test_every_time_series_table_that_grows_has_the_form_of_its_tier(tier, ask):
    made = {table for (table,) in ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert tables() <= made
    for table, operation in hypertables().items():
        if tier is Tier.PLAIN:
            indexes = ask("SELECT indexdef FROM pg_indexes WHERE tablename = %s", table)
            assert any(f"USING brin ({operation.time_column}" in text.replace('"', "") for (text,) in indexes)
            continue
        (known,) = ask(
            "SELECT h.compression_enabled, d.column_name, d.time_interval = %s::interval"
            " FROM timescaledb_information.hypertables h JOIN timescaledb_information.dimensions d"
            " USING (hypertable_name) WHERE hypertable_name = %s",
            operation.chunk_interval,
            table,
        )
        jobs = ask("SELECT proc_name FROM timescaledb_information.jobs WHERE hypertable_name = %s", table)
        wanted = set()
        if tier is Tier.COMMUNITY:
            wanted |= {"policy_compression"} if operation.compress_after else set()
            wanted |= {"policy_retention"} if operation.retain else set()
        assert known == ("policy_compression" in wanted, operation.time_column, True)
        assert {name for (name,) in jobs} == wanted


def test_migrations_go_back_to_nothing_and_forward_again_to_the_same(tier, ask, migrating):
    before = {table: constraints(table) for table in tables()}
    migrating(settings.TITAN_CONTEXT, "zero")
    left = {table for (table,) in ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    assert not left & tables()
    if tier is not Tier.PLAIN:
        assert ask("SELECT hypertable_name FROM timescaledb_information.hypertables") == []
    migrating()
    assert {table: constraints(table) for table in tables()} == before


def test_the_kind_of_database_is_said_once_however_many_tables_there_are(tier, migrating, caplog, monkeypatch):
    monkeypatch.setattr(operations, "_said", set())
    migrating(settings.TITAN_CONTEXT, "zero")
    with caplog.at_level(logging.INFO, logger="titan.timeseries"):
        migrating()
    assert [record.getMessage() for record in caplog.records] == [f"timeseries.tier found={tier.value}"]
