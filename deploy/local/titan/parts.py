"""What a stack consists of: the servers under it and every process of every installed service."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from zlib import crc32

from titan.configuration import APACHE, SERVICES, Configuration
from titan.embedded import apache_kafka, kafka, postgres, valkey
from titan.environment import owner_url, service_environment
from titan.errors import PortTaken
from titan.process import Command
from titan.secret import Secrets

TITLES = {"postgres": "PostgreSQL", "kafka": "Kafka", "valkey": "Valkey", "kafka-controller": "Kafka's controller"}


@dataclass(frozen=True, slots=True)
class Server:
    """An embedded server: how to prepare its files, to run it, and to see that it answers."""

    name: str
    prepare: Callable[[], object]
    command: Callable[[], Command]
    is_ready: Callable[[], bool]
    further_ports: Sequence[str] = ()


def embedded_servers(configuration: Configuration, secrets: Secrets) -> list[Server]:
    """The servers that run beside the services instead of somewhere else."""
    home = configuration.data_dir
    port = configuration.port
    servers = [
        Server(
            "postgres",
            partial(postgres.prepare, home, password=secrets.postgres_password),
            partial(postgres.server, home, port=port("postgres")),
            partial(postgres.is_ready, port("postgres")),
        ),
        _broker(configuration),
        Server(
            "valkey",
            lambda: None,
            partial(valkey.server, home, port=port("valkey"), password=secrets.valkey_password),
            partial(valkey.is_ready, port("valkey")),
        ),
    ]
    return [server for server in servers if configuration.runs(server.name)]


def _broker(configuration: Configuration) -> Server:
    home, port = configuration.data_dir, configuration.port("kafka")
    is_ready = partial(kafka.is_ready, port)
    if configuration.kafka != APACHE:
        return Server("kafka", lambda: None, partial(kafka.server, home, port=port), is_ready)
    return Server(
        "kafka",
        partial(apache_kafka.prepare, home, port=port, controller=configuration.port("kafka-controller")),
        partial(apache_kafka.server, home),
        is_ready,
        further_ports=["kafka-controller"],
    )


def installed_services() -> list[str]:
    """The services whose code is here."""
    found = []
    for service in SERVICES:
        spec = find_spec(service)
        places = spec.submodule_search_locations if spec else None
        if places and any((Path(place) / "asgi.py").exists() for place in places):
            found.append(service)
    return found


def service_commands(configuration: Configuration, secrets: Secrets, service: str) -> list[Command]:
    """Every process of one service: web, worker, and what it declares as entry point in `titan.processes`."""
    from importlib.metadata import entry_points

    modules = {f"{service}-worker": f"{service}.worker"}
    for point in entry_points(group="titan.processes"):
        if point.value.split(".")[0] == service:
            modules[point.name] = point.value
    python = Path(sys.executable)
    environment = service_environment(configuration, secrets, service)
    # Two stacks that share a cluster must not take each other's places in a group.
    where = f"{crc32(f'{socket.gethostname()} {configuration.data_dir}'.encode()):08x}"
    argv: dict[str, Sequence[str]] = {f"{service}-web": _web(configuration, service)}
    argv |= {name: ("-m", module) for name, module in modules.items()}
    return [
        Command(name, [str(python), *arguments], Path.cwd(), environment | {"TITAN_KAFKA_INSTANCE": f"{name}-{where}"})
        for name, arguments in argv.items()
    ]


def _web(configuration: Configuration, service: str) -> tuple[str, ...]:
    return (
        *("-m", "uvicorn", f"{service}.asgi:application"),
        *("--host", configuration.host, "--port", str(configuration.port(service))),
        # A browser's open websocket would keep the process from ending.
        *("--no-access-log", "--timeout-graceful-shutdown", "4"),
    )


def migration_command(configuration: Configuration, secrets: Secrets, service: str, stamp: str) -> Command:
    """Brings a service's databases to its schema and stamps them."""
    return Command(
        name=f"{service}-migrate",
        argv=[sys.executable, "-m", "titan.migrate", stamp],
        directory=Path.cwd(),
        environment=service_environment(configuration, secrets, service)
        | {"TITAN_DATABASE_URL": owner_url(configuration, secrets, service)},
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """Which services a stack runs and how; tests put stand-ins in."""

    services: list[str]
    processes: Callable[[Configuration, Secrets, str], list[Command]] = service_commands
    migration: Callable[[Configuration, Secrets, str, str], Command] = migration_command


def service_of(process_name: str) -> str:
    """The service that a process belongs to: `ml-trainer` is of ml."""
    return process_name.split("-")[0]


def check_ports(configuration: Configuration, services: Sequence[str], servers: Sequence[Server]) -> None:
    """Raise PortTaken for the first port that somebody else listens on."""
    ours = [part for server in servers for part in (server.name, *server.further_ports)]
    for part in [*ours, *services, *(f"{service}-worker" for service in services)]:
        host = "127.0.0.1" if part in ours else configuration.host
        port = configuration.port(part)
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                probe.listen()
            except OSError as error:
                raise PortTaken(
                    f"Port {port} on {host}, wanted for {TITLES.get(part, part)}, cannot be used ({error.strerror}): "
                    f"stop what listens there, or move all ports by TITAN_PORT_BASE (now {configuration.port_base}), "
                    f"for example TITAN_PORT_BASE={configuration.port_base + 200}."
                ) from error
