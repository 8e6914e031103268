"""Databases and roles of the services, in a real PostgreSQL."""

from __future__ import annotations

import psycopg
import pytest

from titan.provision import make_databases

PASSWORDS = {"alpha": "a-secret", "beta": "b-secret"}


def address(postgres_url: str, role: str, database: str) -> str:
    server = postgres_url.rpartition("@")[2].partition("/")[0]
    return f"postgresql://{role}:{PASSWORDS[role]}@{server}/{database}"


@pytest.fixture(scope="module")
def provisioned(postgres_url: str) -> str:
    make_databases(postgres_url, PASSWORDS, {"beta": "an-app-secret"})
    return postgres_url


@pytest.mark.parametrize("database", ["alpha", "alpha_timeseries"])
def test_a_service_owns_its_databases(provisioned: str, database: str) -> None:
    with psycopg.connect(address(provisioned, "alpha", database)) as connection:
        connection.execute("CREATE TABLE own (n int)")
        connection.rollback()


@pytest.mark.parametrize("database", ["beta", "beta_timeseries"])
def test_a_service_cannot_open_the_database_of_another(provisioned: str, database: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(address(provisioned, "alpha", database))


def test_an_applications_role_opens_its_database_and_owns_nothing_there(provisioned: str) -> None:
    server = provisioned.rpartition("@")[2].partition("/")[0]
    application = psycopg.connect(f"postgresql://beta_app:an-app-secret@{server}/beta")
    with application, pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute("CREATE TABLE own (n int)")


def test_making_them_again_changes_only_the_passwords_and_reads_the_stamps(provisioned: str) -> None:
    with psycopg.connect(address(provisioned, "alpha", "alpha")) as connection:
        connection.execute("COMMENT ON DATABASE alpha IS 'schema seven'")
    assert make_databases(provisioned, PASSWORDS, {}) == {"alpha": "schema seven", "beta": ""}
