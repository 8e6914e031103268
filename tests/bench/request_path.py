"""What an API request costs the server's CPU, beside Django's own handler, a WSGI server and no framework at all.

`python tests/bench/request_path.py [--json FILE] [--seconds S]` starts a throwaway PostgreSQL and serves
`request_app` in each way, one after another, rounds interleaved: the server on one core, the client on the other.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CONNECTIONS = 16
ROUNDS = 5
GOAL_MICROSECONDS = 500
UVICORN = ("-m", "uvicorn", "--no-access-log", "--log-level", "warning")
GRANIAN = (
    "-m",
    "granian",
    "--interface",
    "wsgi",
    "--workers",
    "1",
    "--blocking-threads",
    "2",
    "--no-ws",
    "--log-level",
    "error",
)


@dataclass
class Way:
    """One way to serve: the command, its settings, and the requests it is asked."""

    name: str
    command: Sequence[str]
    settings: str
    paths: dict[str, str]
    port: int = 0
    pid: int = 0
    microseconds: dict[str, list[float]] = field(default_factory=dict)

    def median(self, path: str) -> float:
        """The middle of the rounds: CPU microseconds a request."""
        return statistics.median(self.microseconds[path])


def measure(seconds: float = 1.0) -> list[dict[str, Any]]:
    """The table's rows, `B-HTTP-…`: each a median over rounds of the server's CPU time divided by its answers."""
    from titan.testing import postgres_address, service_environment

    before = os.sched_getaffinity(0)
    cores = sorted(before)
    with contextlib.ExitStack() as stack:
        # The client and PostgreSQL share the last core, so that the first runs the server alone.
        os.sched_setaffinity(0, {cores[-1]})
        stack.callback(os.sched_setaffinity, 0, before)
        environment = os.environ | service_environment("request_app") | {"PYTHONPATH": _path()}
        environment |= {"TITAN_LOG_LEVEL": "ERROR", "TITAN_WEB_THREADS": "8"}
        known = _prepare(postgres_address(), environment)
        ways = _ways(known["row_id"])
        for way in ways:
            stack.enter_context(_serving(way, environment, cores[0]))
        for number in range(ROUNDS + 1):
            for way in ways:
                for name, path in way.paths.items():
                    cost = asyncio.run(_round(way, path, known["token"], seconds))
                    if number:  # the first round warms up
                        way.microseconds.setdefault(name, []).append(cost)
    return _rows({way.name: way for way in ways})


def _ways(row_id: str) -> list[Way]:
    paths = {"trivial": "/api/v1/trivial", "row": f"/api/v1/rows/{row_id}"}
    ours = paths | {"signed in": "/api/v1/signed-in", "orm": f"/api/v1/orm/{row_id}"}
    ways = [
        Way("bare", (*UVICORN, "request_app.bare:application"), "request_app.settings", {"trivial": "/"}),
        Way("ours", (*UVICORN, "request_app.asgi:application"), "request_app.settings", ours),
        Way("stock", (*UVICORN, "request_app.stock:application"), "request_app.stock_settings", paths),
    ]
    if find_spec("granian"):
        ways.append(Way("wsgi", (*GRANIAN, "request_app.wsgi:application"), "request_app.wsgi_settings", paths))
    return ways


def _path() -> str:
    return os.pathsep.join([str(HERE), *(entry for entry in sys.path if entry)])


def _prepare(server: str, environment: dict[str, str]) -> dict[str, str]:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS request_app WITH (FORCE)")
        connection.execute("CREATE DATABASE request_app")
    environment = environment | {"DJANGO_SETTINGS_MODULE": "request_app.settings"}
    subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"], env=environment, check=True)
    said = subprocess.run(
        [sys.executable, "-m", "request_app.seed"], env=environment, check=True, stdout=subprocess.PIPE
    )
    found: dict[str, str] = json.loads(said.stdout)
    return found


@contextlib.contextmanager
def _serving(way: Way, environment: dict[str, str], core: int) -> Iterator[None]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        way.port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, *way.command, "--host", "127.0.0.1", "--port", str(way.port)],
        env=environment | {"DJANGO_SETTINGS_MODULE": way.settings},
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        start_new_session=True,
    )
    way.pid = process.pid
    try:
        _wait_for(way)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(way: Way) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", way.port), timeout=1):
            return
        time.sleep(0.1)
    raise SystemExit(f"bench: {way.name} does not answer on port {way.port} within a minute.")


async def _round(way: Way, path: str, token: str, seconds: float) -> float:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    until = time.monotonic() + seconds
    before = _cpu_seconds(way.pid)
    answered = sum(await asyncio.gather(*(_ask(way.port, request, until) for _ in range(CONNECTIONS))))
    return (_cpu_seconds(way.pid) - before) / answered * 1e6


async def _ask(port: int, request: bytes, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = 0
    while time.monotonic() < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"bench: {head.decode()}{(await reader.read(500)).decode(errors='replace')}")
        await _skip_body(reader, head.lower())
        answered += 1
    writer.close()
    return answered


async def _skip_body(reader: asyncio.StreamReader, head: bytes) -> None:
    if b"content-length:" in head:
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
    else:
        await reader.readuntil(b"0\r\n\r\n")


def _cpu_seconds(leader: int) -> float:
    """User and system time of the process and those it started (granian's worker is a child)."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            facts = (entry / "stat").read_text().rsplit(")", 1)[1].split() if entry.name.isdigit() else None
            if facts and int(facts[2]) == leader:  # its process group
                ticks += int(facts[11]) + int(facts[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _rows(ways: dict[str, Way]) -> list[dict[str, Any]]:
    ours, stock = ways["ours"], (ways["stock"], "Django's ASGIHandler, same view")
    told = [
        _row("BARE", "the server alone, no framework", ways["bare"].median("trivial")),
        _row("TRIVIAL", "a request that asks for nothing", ours.median("trivial"), stock, "trivial"),
        _row("SIGNED-IN", "a signed-in request: token, person, roles", ours.median("signed in")),
        _row("ROW", "a signed-in request that reads a row", ours.median("row"), stock, "row", goal=GOAL_MICROSECONDS),
        _row("ORM", "the same through the ORM on a lent thread", ours.median("orm")),
    ]
    if "wsgi" in ways:
        wsgi = (ways["wsgi"], "granian WSGI, sync view, ORM")
        told.append(_row("WSGI-TRIVIAL", "a request that asks for nothing", ours.median("trivial"), wsgi, "trivial"))
        told.append(_row("WSGI-ROW", "a signed-in request that reads a row", ours.median("row"), wsgi, "row"))
    return told


def _row(
    name: str,
    what: str,
    value: float,
    beside: tuple[Way, str] | None = None,
    path: str = "",
    *,
    goal: int | None = None,
) -> dict[str, Any]:
    anchor = beside[0].median(path) if beside else None
    return {
        "id": f"B-HTTP-{name}",
        "what": f"CPU of {what}, uvicorn, median",
        "value": round(value),
        "unit": "µs",
        "anchor": beside[1] if beside else None,
        "anchor_value": round(anchor) if anchor else None,
        "ratio": round(value / anchor, 2) if anchor else None,
        "goal": f"<= {goal}" if goal else None,
        "met": value <= goal if goal else None,
    }


def main() -> None:
    """Print the table; with --json also write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="where the rows go as JSON")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each round lasts")
    asked = parser.parse_args()
    rows = measure(asked.seconds)
    for row in rows:
        beside = f"{row['anchor_value']:>6} {row['anchor']}" if row["anchor"] else ""
        print(f"{row['id']:<20} {row['value']:>6} {row['unit']}  {row['what']:<70} {beside}")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
