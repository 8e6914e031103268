"""Kills ml's web process and PostgreSQL while rows are solved, and looks for answers whose usage was lost.

`python tests/bench/solving_killed.py [--kills N]` trains a machine, lets six clients ask a durable stack, ends the web
process and the database by turns with SIGKILL, and fails unless each answer has its event, its listing and its count.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psycopg
from solving import _path, _prepare, _serving, _table

CLIENTS = 6
SECONDS = 2.5
# A crowded machine takes this long for the first answers at most.
MOST_SECONDS = 120
_USAGE = """
SELECT (SELECT coalesce(array_agg(event_id::text), '{}') FROM outbox WHERE type = 'titan.ml.solving.completed.v1'),
       (SELECT coalesce(array_agg(event_id::text), '{}') FROM published_usage WHERE lines = 1),
       (SELECT coalesce(sum(lines), 0) FROM solved_lines)
"""


class Clients:
    """People who ask for rows until nobody answers."""

    def __init__(self, port: int, place: dict[str, Any]) -> None:
        self.answered: list[str] = []
        self._port, self._path = port, f"/api/v1/machines/{place['machine_id']}/solve"
        self._body = json.dumps({"rows": [place["row"]]})
        self._headers = {"Authorization": f"Bearer {place['token']}", "Content-Type": "application/json"}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for_answers(self) -> None:
        """Until the first have come: the model is in memory then, and whoever asks is remembered."""
        until = time.monotonic() + MOST_SECONDS
        while len(self.answered) < 2 * CLIENTS:
            if time.monotonic() > until:
                raise SystemExit(f"bench: {len(self.answered)} answers in {MOST_SECONDS} s: a kill shows nothing.")
            time.sleep(0.05)

    def _ask(self) -> None:
        client = HTTPConnection("127.0.0.1", self._port, timeout=10)
        with contextlib.suppress(OSError, HTTPException, json.JSONDecodeError):
            while not self._stop.is_set():
                client.request("POST", self._path, self._body, self._headers)
                answer = client.getresponse()
                said = answer.read()
                if answer.status == 200:
                    self.answered.append(json.loads(said)["usage_id"])
                else:
                    time.sleep(0.05)


def kill_some(kills: int) -> bool:
    """Whether nothing was lost, whoever was killed."""
    from titan.embedded.postgres import postgres
    from titan.embedded.server import free_port
    from titan.testing import POSTGRES, scratch_directory, service_environment

    answered: set[str] = set()
    with scratch_directory() as home, tempfile.TemporaryDirectory() as data:
        port = free_port()
        with postgres(home, port=port) as os.environ[POSTGRES]:
            environment = os.environ | service_environment("ml") | {"PYTHONPATH": _path(), "TITAN_DATA_DIR": data}
            environment |= {"TITAN_LOG_LEVEL": "ERROR", "TITAN_WEB_THREADS": "8"}
            environment |= {"DJANGO_SETTINGS_MODULE": "ml.settings"}
            _table(Path(data, "learn.csv"), 2000, with_output=True)
            place = _prepare(os.environ[POSTGRES], environment, Path(data, "learn.csv"), 1)
        for number in range(kills):
            whom = ("web", "database")[number % 2]
            with contextlib.ExitStack() as running:
                with contextlib.suppress(Exception):  # a server that was killed is no error here
                    running.enter_context(postgres(home, port=port))
                with _serving(environment) as (web, server), Clients(web, place) as clients:
                    clients.wait_for_answers()
                    time.sleep(SECONDS)
                    os.kill(server if whom == "web" else _postmaster(home), signal.SIGKILL)
                answered |= set(clients.answered)
                with contextlib.suppress(Exception):
                    running.close()
            with postgres(home, port=port):
                if not _is_whole(environment["TITAN_DATABASE_URL"], answered, whom):
                    return False
    return True


def _postmaster(home: Path) -> int:
    return int((home / "pg" / "postmaster.pid").read_text().split()[0])


def _is_whole(database: str, answered: set[str], killed: str) -> bool:
    with psycopg.connect(database) as connection:
        said, listed, counted = connection.execute(_USAGE).fetchone() or ([], [], 0)
    lost, apart = answered - set(said), set(said) ^ set(listed)
    print(
        f"{killed:<9} killed: {len(answered):>6} answered, {len(said):>6} events, {len(lost)} lost, "
        f"{len(apart)} event or listing alone, {counted} lines counted",
        flush=True,
    )
    return not lost and not apart and counted == len(said)


def main() -> None:
    """Kill, look, and say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=4)
    sys.exit(0 if kill_some(parser.parse_args().kills) else 1)


if __name__ == "__main__":
    main()
