"""The whole stack of one data directory: starts it in order, keeps it alive, stops it leaving nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Coroutine, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version

from titan import configuration as configurations
from titan import process, readiness
from titan import state as states
from titan.configuration import GUARDED, Configuration
from titan.console import Console
from titan.environment import admin_url, bootstrap, titan_variables
from titan.errors import PartFailed
from titan.migrate import stamp_of
from titan.parts import (
    TITLES,
    Plan,
    Server,
    check_ports,
    embedded_servers,
)
from titan.provision import Wanted
from titan.secret import load_or_make
from titan.state import State
from titan.supervisor import Supervisor, run_once

SERVERS, SERVICES = 0, 1  # layers of the supervisor
MIGRATIONS_AT_ONCE = 2
SERVER_SECONDS = 60.0
SETTLED = 1.0
"""Seconds a process must live to count: one that cannot start dies within them, or says so soon after."""


def environment_for(service: str, configuration: Configuration | None = None) -> dict[str, str]:
    """The variables of a service's processes in this data directory's stack, whether it runs now or not."""
    if configuration is None:
        home = configurations.data_dir()
        seen = states.read(home)
        configuration = seen.configuration(home) if seen else configurations.from_environment()
    return titan_variables(configuration, load_or_make(configuration.secrets_file), service)


class Stack:
    """One `titan up`."""

    def __init__(self, configuration: Configuration, plan: Plan, console: Console) -> None:
        self.configuration = configuration
        self.console = console
        self._plan = plan
        self._secrets = load_or_make(configuration.secrets_file)
        self._supervisor = Supervisor(console, self._save)
        self._state = self._first_state()
        self._began = time.monotonic()

    async def run(self) -> None:
        """Start everything and stay until cancelled; then stop everything. Raises TitanError."""
        tending: asyncio.Task[None] | None = None
        try:
            servers = await self._start()
            tending = asyncio.create_task(self._tend(servers))
            await self._watch()
        finally:
            if tending is not None:
                tending.cancel()
            self._state.phase = "stopping"
            self._save()
            self.console.say("stopping …")
            await self._supervisor.stop()
            self.configuration.state_file.unlink(missing_ok=True)
            self.console.say("stopped")

    def hurry(self) -> None:
        """Stop without waiting for good ends."""
        self._supervisor.hurry()

    async def _start(self) -> list[Server]:
        servers = embedded_servers(self.configuration, self._secrets)
        check_ports(self.configuration, self._plan.services, servers)
        with contextlib.suppress(PackageNotFoundError):  # a checkout that is not installed has no version
            states.note_maker(self.configuration.data_dir, version("titan-local"))
        self._save()
        await together(self._start_server(server) for server in servers)
        stamps = await self._provision()
        gate = asyncio.Semaphore(MIGRATIONS_AT_ONCE)
        await together(self._start_service(service, stamps.get(service, ""), gate) for service in self._plan.services)
        return servers

    async def _tend(self, servers: Sequence[Server]) -> None:
        """When a server has been started again and answers, let what died for want of it try at once."""
        known = dict.fromkeys((server.name for server in servers), 0)
        while True:
            for server in servers:
                restarts = self._supervisor.children[server.name].seen.restarts
                if restarts != known[server.name] and await asyncio.to_thread(server.is_ready):
                    known[server.name] = restarts
                    self._supervisor.encourage(above=SERVERS)
            await asyncio.sleep(0.2)

    async def _start_server(self, server: Server) -> None:
        await asyncio.to_thread(server.prepare)
        self._supervisor.start(server.command(), layer=SERVERS)
        child = self._supervisor.children[server.name]
        deadline = time.monotonic() + SERVER_SECONDS
        while not await asyncio.to_thread(server.is_ready):
            if child.is_looping or time.monotonic() > deadline:
                raise PartFailed(f"{TITLES[server.name]} does not start: {child.last_words()}")
            await asyncio.sleep(0.03)

    async def _provision(self) -> dict[str, str]:
        """Databases, roles and topics; the schema stamp of each service."""
        secrets, services = self._secrets, self._plan.services
        owners = {s: secrets.owner_password(s) if s in GUARDED else secrets.databases[s] for s in services}
        applications = {service: secrets.databases[service] for service in services if service in GUARDED}
        wanted = Wanted(admin_url(self.configuration, secrets), owners, applications, bootstrap(self.configuration))
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "titan.provision"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(os.environ) | {process.MARK: str(self.configuration.data_dir)},
            start_new_session=True,
        )
        try:
            said, complaint = await child.communicate(wanted.as_json().encode())
        except asyncio.CancelledError:
            process.kill_group(child.pid)
            raise
        if child.returncode != 0:
            lines = complaint.decode(errors="replace").strip().splitlines()
            raise PartFailed(lines[-1] if lines else f"titan.provision ended with exit code {child.returncode}")
        stamps: dict[str, str] = json.loads(said)
        return stamps

    async def _start_service(self, service: str, found: str, gate: asyncio.Semaphore) -> None:
        async with gate:
            wanted = stamp_of(service)
            if found != wanted:
                await self._migrate(service, wanted)
        self._supervisor.start(*self._plan.processes(self.configuration, self._secrets, service), layer=SERVICES)

    async def _migrate(self, service: str, stamp: str) -> None:
        began = time.monotonic()
        command = self._plan.migration(self.configuration, self._secrets, service, stamp)
        code, words = await run_once(command, self.console)
        if code != 0:
            raise PartFailed(f"The migrations of {service} failed: {words} (all of it: titan logs {command.name})")
        self.console.say(f"{service}: schema brought up to date in {time.monotonic() - began:.1f} s")

    async def _watch(self) -> None:
        """Say what is missing until all is ready, say that it is, then keep the state file true."""
        told, tell_at = [""], time.monotonic() + 8
        while True:
            lacks = await self._missing()
            was, self._state.missing = self._state.phase, lacks
            if lacks:
                self._state.phase = "starting" if self._state.seconds_to_ready is None else "degraded"
            else:
                self._state.phase = "ready"
            if self._state.phase == "ready" and was == "starting":
                self._announce()
            if lacks and lacks != told and time.monotonic() > tell_at:
                self.console.say("still missing: " + "; ".join(lacks))
                told, tell_at = lacks, time.monotonic() + 8
            self._save()
            await asyncio.sleep(0.25 if was == "starting" else 3.0)

    async def _missing(self) -> list[str]:
        answers = await readiness.missing_in(self.configuration, self._supervisor.children)
        lacks = [f"{process} {', '.join(lack)}" for process, lack in answers.items() if lack]
        for name, child in self._supervisor.children.items():
            if child.is_looping:
                lacks.append(f"{name} keeps dying")
            elif child.lived() < SETTLED:
                lacks.append(f"{name} has just started" if child.seen.pid else f"{name} is not running")
        return lacks

    def _announce(self) -> None:
        self._state.seconds_to_ready = round(time.monotonic() - self._began, 1)
        addresses = "  ".join(f"{service} {self.configuration.url(service)}" for service in self._plan.services)
        self.console.say(f"ready in {self._state.seconds_to_ready} s   {addresses}")

    def _first_state(self) -> State:
        chosen = self.configuration
        return State(
            phase="starting",
            supervisor=os.getpid(),
            host=chosen.host,
            port_base=chosen.port_base,
            kafka=chosen.kafka,
            postgres=chosen.postgres,
            valkey=chosen.valkey,
            environment={name: titan_variables(chosen, self._secrets, name) for name in self._plan.services},
        )

    def _save(self) -> None:
        self._state.processes = self._supervisor.states()
        with contextlib.suppress(OSError):  # a full disk must not end what still runs
            states.write(self.configuration.state_file, self._state)


async def together(works: Iterable[Coroutine[None, None, None]]) -> None:
    """Do all at once; the first failure cancels the rest and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
