"""The environment variables that each service's processes get."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

from titan import process
from titan.configuration import EMBEDDED, GUARDED, Configuration
from titan.embedded import postgres, valkey
from titan.secret import Secrets


def service_environment(
    configuration: Configuration,
    secrets: Secrets,
    service: str,
    inherited: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Everything a process of `service` reads; further `TITAN_…` variables of ours pass through."""
    return (
        {"TITAN_LOG_FORMAT": "console"} | dict(inherited) | titan_variables(configuration, secrets, service) | _frugal()
    )


def titan_variables(configuration: Configuration, secrets: Secrets, service: str) -> dict[str, str]:
    """The `TITAN_…` variables of a service and the name of its settings."""
    found = {
        process.MARK: str(configuration.data_dir),
        "DJANGO_SETTINGS_MODULE": f"{service}.settings",
        "TITAN_DATA_DIR": str(configuration.data_dir),
        "TITAN_HOST": configuration.host,
        "TITAN_PORT_BASE": str(configuration.port_base),
        "TITAN_DATABASE_URL": database_url(configuration, secrets, service),
        "TITAN_KAFKA_BOOTSTRAP": bootstrap(configuration),
        "TITAN_VALKEY_URL": valkey_url(configuration, secrets),
        "TITAN_SECRET_KEY": secrets.secret_key,
    }
    if service == "identity":
        found["TITAN_ADMIN_PASSWORD"] = secrets.admin_password
    if service == "trading":
        found["TITAN_MASTER_KEYS"] = secrets.master_keys
    return found


def database_url(configuration: Configuration, secrets: Secrets, service: str) -> str:
    """A service's own database, as the role that its processes have."""
    role = f"{service}_app" if service in GUARDED else service
    return _url_as(configuration, service, role, secrets.databases[service])


def owner_url(configuration: Configuration, secrets: Secrets, service: str) -> str:
    """A service's own database, as the role that owns its tables: for migrations alone."""
    password = secrets.owner_password(service) if service in GUARDED else secrets.databases[service]
    return _url_as(configuration, service, service, password)


def _url_as(configuration: Configuration, service: str, role: str, password: str) -> str:
    if configuration.postgres == EMBEDDED:
        return postgres.url(password, configuration.port("postgres"), user=role, database=service)
    server = urlsplit(configuration.postgres)
    address = server.netloc.rpartition("@")[2]
    return urlunsplit(server._replace(netloc=f"{role}:{quote(password)}@{address}", path=f"/{service}"))


def admin_url(configuration: Configuration, secrets: Secrets) -> str:
    """The PostgreSQL server as its superuser."""
    if configuration.postgres == EMBEDDED:
        return postgres.url(secrets.postgres_password, configuration.port("postgres"))
    return configuration.postgres


def without_password(url: str) -> str:
    """A URL that may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=user + parts.netloc.rpartition("@")[2]))


def bootstrap(configuration: Configuration) -> str:
    """The Kafka bootstrap address."""
    return f"127.0.0.1:{configuration.port('kafka')}" if configuration.runs("kafka") else configuration.kafka


def valkey_url(configuration: Configuration, secrets: Secrets) -> str:
    """The Valkey server's address."""
    if configuration.valkey == EMBEDDED:
        return valkey.url(secrets.valkey_password, configuration.port("valkey"))
    return configuration.valkey


def _frugal() -> dict[str, str]:
    # Each thread of a glibc program may take a memory arena of its own: with a dozen processes that adds up.
    return {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"}
