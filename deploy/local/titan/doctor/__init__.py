"""`titan doctor`: everything that could keep TITAN from working here, each in a sentence with the way out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from titan import state as states
from titan.configuration import Configuration
from titan.doctor import broker, bus, database, machine
from titan.doctor.finding import Finding, asked
from titan.environment import admin_url, bootstrap, database_url, valkey_url, without_password
from titan.secret import Secrets, load_or_make
from titan.status import status

__all__ = ["Finding", "examine"]


def examine(configuration: Configuration) -> list[Finding]:
    """Look at the machine, then at the stack if one runs."""
    seen = states.read(configuration.data_dir) if states.is_running(configuration.data_dir) else None
    findings = list(machine.examine(configuration))
    if seen is None:
        return [*findings, *machine.before_a_start(configuration), Finding("stack", True, "none runs here")]
    running = seen.configuration(configuration.data_dir)
    secrets = load_or_make(running.secrets_file)
    return [*findings, *_servers(running, secrets), *_services(running, secrets, list(seen.environment))]


def _servers(configuration: Configuration, secrets: Secrets) -> Iterator[Finding]:
    server, brokers = admin_url(configuration, secrets), bootstrap(configuration)
    cache = valkey_url(configuration, secrets)
    for name, shown, ask in (
        ("postgres", without_password(server), lambda: database.examine_server(server)),
        ("kafka", brokers, lambda: broker.examine(brokers)),
        ("valkey", without_password(cache), lambda: _ask_valkey(cache)),
    ):
        way_out = f"Look after the server given with --{name}."
        if configuration.runs(name):
            way_out = f"It is started again as long as the stack runs; see `titan logs {name}`."
        yield from asked(name, shown, ask, way_out)


def _ask_valkey(url: str) -> Iterator[Finding]:
    import valkey

    with valkey.Valkey.from_url(url, socket_timeout=5) as client:
        client.ping()
    yield from ()


def _services(configuration: Configuration, secrets: Secrets, names: list[str]) -> Iterator[Finding]:
    answers = status(configuration).as_json["services"]
    for name in names:
        yield _readiness(name, answers[name])
        url = database_url(configuration, secrets, name)
        yield from asked(
            f"{name} database",
            without_password(url),
            partial(_ask_database, url, name),
            "See `titan logs postgres`; a password that does not fit is in secrets.json of another data directory.",
        )


def _ask_database(url: str, service: str) -> list[Finding]:
    return [*database.examine_own(url, service), *bus.examine(url, service)]


def _readiness(name: str, service: dict[str, object]) -> Finding:
    missing = [str(lack) for lack in service["missing"]]  # type: ignore[attr-defined]
    if service["ready"]:
        return Finding(name, True, "ready")
    way_out = f"See `titan status` for why a process ended, `titan logs {name}` for all of it."
    if any("migrations" in lack for lack in missing):
        way_out = "The schema is behind the code: `titan down`, then `titan up`, which migrates."
    return Finding(name, False, "; ".join(missing) or "a process is not running", way_out)
