"""How fast a large upload is received, in how much memory, and how fast its lines are read afterwards.

`python tests/bench/uploads.py [--mib N] [--read-mib N] [--json FILE]` starts a throwaway PostgreSQL and ml's web
process, sends a table as the body and as a form while the process's memory is watched, and then has a smaller one read
by the child that the worker would start. The receiving is measured apart from the reading.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
CHUNK = 1 << 18
GOAL_MIB_S, GOAL_MIB = 60, 500
MODES = ("body", "form")
_BOUNDARY = "titan-bench-7f1b"


def lines(size: int) -> Iterator[bytes]:
    """About `size` bytes of a table with numbers, labels, dates and texts."""
    block, sent = _block(), 0
    yield b"day,city,size,price,count,note,bought\n"
    while sent < size:
        yield block
        sent += len(block)


def _block() -> bytes:
    import random

    chance, cities = random.Random(0), ("Lyon", "Graz", "Porto", "Turku")
    return "".join(
        f"2024-{1 + i % 12:02d}-{1 + i % 28:02d},{chance.choice(cities)},{chance.gauss(0, 9):.4f},"
        f"{chance.random() * 1e5:.2f},{chance.randint(0, 99)},note {chance.randint(0, 10**5)},"
        f"{'yes' if chance.random() < 0.3 else 'no'}\n"
        for i in range(5000)
    ).encode()


def measure(mib: int = 1024, read_mib: int = 64) -> list[dict[str, Any]]:
    """The table's rows, `B-UPLOAD-…`."""
    with TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        table = Path(folder) / "table.csv"
        with table.open("wb") as file:
            file.writelines(lines(mib << 20))
        server = _Server(stack, Path(folder) / "data")
        rows = []
        for mode in MODES:
            seconds, peak = server.send(table, mode)
            speed = table.stat().st_size / seconds / 2**20
            rows.append(
                _row(f"{mode.upper()}-PACE", f"receiving a table as a {mode}", speed, "MiB/s", GOAL_MIB_S, True)
            )
            rows.append(_row(f"{mode.upper()}-MEMORY", "the web process while it does", peak, "MiB", GOAL_MIB, False))
        with table.open("wb") as file:
            file.writelines(lines(read_mib << 20))
        return [*rows, *_reading(table)]


class _Server:
    """ml's web process, one person's token, and how much memory it took since it was last asked."""

    def __init__(self, stack: contextlib.ExitStack, data: Path) -> None:
        from titan.testing import postgres_address, service_environment

        address = postgres_address()
        environment = os.environ | service_environment("ml") | {"TITAN_DATA_DIR": str(data), "TITAN_LOG_LEVEL": "ERROR"}
        environment |= {"PYTHONPATH": os.pathsep.join([str(HERE), *(entry for entry in sys.path if entry)])}
        environment["DJANGO_SETTINGS_MODULE"] = "ml.settings"
        _new_database(address)
        subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"], env=environment, check=True)
        said = subprocess.run(
            [sys.executable, "-m", "request_app.seed"], env=environment, check=True, stdout=subprocess.PIPE
        )
        self._token, self._keys, self._data = json.loads(said.stdout)["token"], count(), data
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        command = ["-m", "uvicorn", "--no-access-log", "--log-level", "warning", "--port", str(self._port)]
        self._process = subprocess.Popen(
            [sys.executable, *command, "ml.asgi:application"], env=environment, start_new_session=True
        )
        stack.callback(self._end)
        _wait_for(self._port)

    def send(self, table: Path, mode: str) -> tuple[float, float]:
        """(seconds, peak MiB) of one upload, which is then cancelled."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")  # forget the peak so far
        started = time.perf_counter()
        reading = self._ask("POST", "/api/v1/machines?file_name=table.csv", *_body(table, mode))
        seconds = time.perf_counter() - started
        self._ask("POST", f"/api/v1/readings/{reading['id']}/cancel", b"", {})
        return seconds, _peak_mib(self._process.pid)

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600, blocksize=CHUNK)
        connection.request(method, path, body, headers | {"Authorization": f"Bearer {self._token}"})
        answer = connection.getresponse()
        found: dict[str, Any] = json.loads(answer.read())
        if answer.status not in (200, 202):
            raise SystemExit(f"bench: {answer.status} {found}")
        return found

    def _end(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._data, ignore_errors=True)


def _body(table: Path, mode: str) -> tuple[Any, dict[str, str]]:
    size = table.stat().st_size
    if mode == "body":
        return _chunks(table), {"Content-Type": "text/csv", "Content-Length": str(size)}
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="machine_name"\r\n\r\nBench\r\n--{_BOUNDARY}\r\n'
        'Content-Disposition: form-data; name="file"; filename="table.csv"\r\nContent-Type: text/csv\r\n\r\n'
    ).encode()
    tail = f"\r\n--{_BOUNDARY}--\r\n".encode()

    def parts() -> Iterator[bytes]:
        yield head
        yield from _chunks(table)
        yield tail

    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    return parts(), {"Content-Type": kind, "Content-Length": str(len(head) + size + len(tail))}


def _chunks(table: Path) -> Iterator[bytes]:
    with table.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _new_database(address: str) -> None:
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS ml WITH (FORCE)")
        connection.execute("CREATE DATABASE ml")


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise SystemExit("bench: ml's web process does not answer within a minute.")


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _reading(table: Path) -> list[dict[str, Any]]:
    """Pace and memory of the reading child: bytes by seconds of its processor."""
    job = {"stretches": [{"path": str(table), "name": "table.csv", "sequence": 1}]}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.run(
        [sys.executable, "-c", _READ], input=json.dumps(job), text=True, stdout=subprocess.PIPE, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = table.stat().st_size / 2**20
    return [
        _row("READ-PACE", f"reading {size:.0f} MiB: types, statistics, split", size / spent, "MiB/CPU s", None, True),
        _row("READ-MEMORY", "the child that reads", float(child.stdout.split()[-1]), "MiB", GOAL_MIB, False),
    ]


_READ = """
import json, resource, sys
from ml.jobs.reading import read
read(json.load(sys.stdin), lambda **said: None)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def _row(name: str, what: str, value: float, unit: str, goal: int | None, higher: bool) -> dict[str, Any]:
    met = None if goal is None else (value >= goal if higher else value <= goal)
    shown = None if goal is None else f"{'>=' if higher else '<='} {goal}"
    beside = dict.fromkeys(("anchor", "anchor_value", "ratio"))
    found = {"id": f"B-UPLOAD-{name}", "what": what, "value": round(value, 1), "unit": unit, "goal": shown, "met": met}
    return found | beside


def main() -> None:
    """Print the table; with --json also write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="how large the upload is")
    parser.add_argument("--read-mib", type=int, default=64, help="how large the table that is read is")
    parser.add_argument("--json", type=Path, help="where the rows go as JSON")
    asked = parser.parse_args()
    rows = measure(asked.mib, asked.read_mib)
    for row in rows:
        print(f"{row['id']:<22} {row['value']:>8} {row['unit']:<10} {row['goal'] or '':<8} {row['what']}")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
