"""What solving costs: one row over HTTP beside requests that do less, and a million lines of a file.

`python tests/bench/solving.py [--level N] [--lines N] [--rounds N] [--durable] [--json FILE]` trains a machine on a
table that it makes up (numbers, labels, a date), serves ml on a throwaway PostgreSQL and Valkey, and solves files in a
process of their own, as a trainer's child does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LEARNT_LINES = 20_000
REQUESTS_A_ROUND = 100
GOAL_TIMES, GOAL_LINES = 1.3, 100_000
Row = dict[str, Any]


def measure(*, level: int = 1, lines: int = 1_000_000, rounds: int = 10, durable: bool = False) -> list[Row]:
    """The table's rows, `B-SOLVE-…`."""
    from titan.embedded.postgres import postgres
    from titan.testing import POSTGRES, postgres_address, scratch_directory, service_environment

    with contextlib.ExitStack() as servers:
        if durable:
            os.environ[POSTGRES] = servers.enter_context(postgres(servers.enter_context(scratch_directory())))
        home = servers.enter_context(tempfile.TemporaryDirectory())
        environment = os.environ | service_environment("ml") | {"PYTHONPATH": _path()}
        environment |= {"TITAN_LOG_LEVEL": "ERROR", "TITAN_WEB_THREADS": "8", "DJANGO_SETTINGS_MODULE": "ml.settings"}
        _table(Path(home, "learn.csv"), LEARNT_LINES, with_output=True)
        place = _prepare(postgres_address(), environment, Path(home, "learn.csv"), level)
        found = _over_http(place, environment, rounds) if rounds else []
        for kind in ("csv", "parquet") if lines else ():
            found += _a_file(Path(home), place["model"], kind, lines, level)
    return found


def _path() -> str:
    return os.pathsep.join([str(HERE), *(entry for entry in sys.path if entry)])


def _table(place: Path, lines: int, *, with_output: bool = False) -> None:
    """Six numbers (one with gaps), five labels, a date; the output hangs on some of them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    chance = np.random.default_rng(1)
    numbers = {f"n{i}": np.round(chance.lognormal(1, 1, lines), 3) for i in range(6)}
    labels = {f"l{i}": chance.integers(0, 4 + 6 * i, lines) for i in range(5)}
    columns: dict[str, pa.Array] = {name: pa.array(values) for name, values in numbers.items()}
    columns["n5"] = pa.array(numbers["n5"], mask=chance.random(lines) < 0.1)
    for name, codes in labels.items():
        columns[name] = pa.array([f"kind {code}" for code in codes.tolist()])
    days = np.datetime64("2015-01-01") + chance.integers(0, 3000, lines).astype("timedelta64[D]")
    columns["day"] = pa.array(days.astype(str).tolist())
    if with_output:
        noise = chance.normal(0, 1, lines)
        columns["y"] = pa.array(np.where(numbers["n0"] + labels["l1"] / 3 + noise > 5, "yes", "no").tolist())
    if place.suffix == ".parquet":
        pa.parquet.write_table(pa.table(columns), place)
    else:
        pa.csv.write_csv(pa.table(columns), place, pa.csv.WriteOptions(quoting_style="none"))


def _prepare(server: str, environment: dict[str, str], table: Path, level: int) -> dict[str, Any]:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS ml WITH (FORCE)")
        connection.execute("CREATE DATABASE ml")
    subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"], env=environment, check=True)
    seed = [sys.executable, "-m", "solving_app.seed", str(table), str(level)]
    said = subprocess.run(seed, env=environment, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(said.stdout.decode().splitlines()[-1])
    return found


# --- one row over HTTP ------------------------------------------------------------------------------------------------


def _over_http(place: dict[str, Any], environment: dict[str, str], rounds: int) -> list[Row]:
    machine, body = place["machine_id"], json.dumps({"rows": [place["row"]]})
    paths = {
        "EMPTY": ("a signed-in request that does nothing", "/api/v1/bench/empty"),
        "ROW": ("a request that solves a row", f"/api/v1/machines/{machine}/solve"),
        "METER": ("a request that proves that a line may be solved and notes it", f"/api/v1/bench/meter/{machine}"),
        "THREAD": ("the same on a thread, where nothing is remembered", f"/api/v1/bench/thread/{machine}"),
    }  # fmt: skip
    taken: dict[str, list[float]] = {name: [] for name in paths}
    cpu: dict[str, list[float]] = {name: [] for name in paths}
    with _serving(environment) as (port, server):
        client = HTTPConnection("127.0.0.1", port, timeout=30)
        for number in range(rounds + 1):
            for name, (_, path) in paths.items():
                before = _cpu_seconds(server)
                times = [_ask(client, path, body, place["token"]) for _ in range(REQUESTS_A_ROUND)]
                if number:  # the first round warms up
                    taken[name] += times
                    cpu[name].append((_cpu_seconds(server) - before) / REQUESTS_A_ROUND)
    p50 = {name: statistics.median(times) * 1e3 for name, times in taken.items()}
    spent = {name: statistics.median(rounds) * 1e3 for name, rounds in cpu.items()}
    return _beside("", "p50 of", p50, paths) + _beside("-CPU", "the server's CPU for", spent, paths)


def _beside(suffix: str, measured: str, values: dict[str, float], paths: dict[str, tuple[str, str]]) -> list[Row]:
    """Each beside the request that does nothing; solving also beside the one that does all but solve."""
    found = []
    for name, anchor in (("EMPTY", ""), ("THREAD", "EMPTY"), ("METER", "EMPTY"), ("ROW", "EMPTY"), ("ROW", "METER")):
        beside = "-BESIDE-METER" if anchor == "METER" else ""
        row = _row(f"B-SOLVE-{name}{beside}{suffix}", f"{measured} {paths[name][0]}", values[name], "ms")
        if anchor:
            row |= {"anchor": f"B-SOLVE-{anchor}{suffix}", "anchor_value": round(values[anchor], 3)}
            row["ratio"] = round(values[name] / values[anchor], 2)
        if name == "ROW":
            row |= {"goal": f"<= {GOAL_TIMES} times", "met": row["ratio"] <= GOAL_TIMES}
        found.append(row)
    return found


def _cpu_seconds(server: int) -> float:
    facts = Path(f"/proc/{server}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


def _ask(client: HTTPConnection, path: str, body: str, token: str) -> float:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    began = time.perf_counter()
    client.request("POST", path, body, headers)
    answer = client.getresponse()
    said = answer.read()
    taken = time.perf_counter() - began
    if answer.status == 429:
        time.sleep(float(answer.headers["Retry-After"]))
        return _ask(client, path, body, token)
    if answer.status != 200:
        raise SystemExit(f"bench: {path} answered {answer.status}: {said.decode()[:500]}")
    return taken


@contextlib.contextmanager
def _serving(environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    uvicorn = ["-m", "uvicorn", "--no-access-log", "--log-level", "warning", "--host", "127.0.0.1"]
    command = [sys.executable, *uvicorn, "--port", str(port), "solving_app.asgi:application"]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        _wait_for(port)
        yield port, process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise SystemExit(f"bench: the service does not answer on port {port} within a minute.")


# --- a file -----------------------------------------------------------------------------------------------------------


def _a_file(home: Path, model: str, kind: str, lines: int, level: int) -> list[Row]:
    table = home / f"ask.{kind}"
    _table(table, lines)
    command = [sys.executable, str(HERE / "solving.py"), "--solve", model, str(table), str(home / f"answers.{kind}")]
    said = subprocess.run(command, env=os.environ | {"PYTHONPATH": _path()}, check=True, stdout=subprocess.PIPE)
    found = json.loads(said.stdout)
    name, what = kind.upper(), f"{lines:,} lines of {kind.upper()}, level {level}, answers as {kind.upper()}"
    rate = _row(f"B-SOLVE-{name}", what, round(found["lines"] / found["seconds"]), "lines/s")
    rate |= {"goal": f">= {GOAL_LINES:,}", "met": rate["value"] >= GOAL_LINES}
    by_cpu = _row(
        f"B-SOLVE-{name}-CPU", f"{what}, by its CPU", round(found["lines"] / found["cpu_seconds"]), "lines/CPU s"
    )
    return [rate, by_cpu, _row(f"B-SOLVE-{name}-RAM", f"{what}, most memory", found["mib"], "MiB")]


def solve(model: Path, table: Path, out: Path) -> dict[str, float]:
    """Solve the file here; what it took."""
    from ml.learning.answers_file import solve_file
    from ml.learning.solver import Solver
    from ml.learning.tables import open_table

    began, cpu = time.perf_counter(), time.process_time()
    solved = solve_file(Solver.load(model), open_table(table), out)
    taken = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    return taken | {"lines": solved.lines, "mib": _most_mib()}


def _most_mib() -> int:
    # The system's own count of a process begins with what its parent had.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def _row(name: str, what: str, value: float, unit: str) -> Row:
    shown = round(value, 3) if unit == "ms" else value
    empty = dict.fromkeys(("anchor", "anchor_value", "ratio", "goal", "met"))
    return {"id": name, "what": what, "value": shown, "unit": unit} | empty


def main() -> None:
    """Print the table; with --json also write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--level", type=int, default=1)
    parser.add_argument("--lines", type=int, default=1_000_000, help="0 leaves the files out")
    parser.add_argument("--rounds", type=int, default=10, help="0 leaves HTTP out")
    parser.add_argument("--durable", action="store_true", help="a PostgreSQL that waits for the disk, as in `titan up`")
    parser.add_argument("--json", type=Path, help="where the rows go as JSON")
    parser.add_argument("--solve", type=Path, nargs=3, metavar=("MODEL", "TABLE", "OUT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.solve:
        json.dump(solve(*asked.solve), sys.stdout)
        return
    rows = measure(level=asked.level, lines=asked.lines, rounds=asked.rounds, durable=asked.durable)
    for row in rows:
        beside = f"{row['ratio']} times {row['anchor']}" if row["ratio"] else ""
        print(f"{row['id']:<30} {row['value']:>12,} {row['unit']:<12} {row['what']:<75} {beside}")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
