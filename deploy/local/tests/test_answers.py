"""What the commands answer about one running stack."""

from __future__ import annotations

import json
import subprocess
import sys

from home import Home


def test_status_has_the_published_shape_whether_or_not_a_stack_runs(running: Home) -> None:
    elsewhere = str(running.data_dir / "nothing-here")
    stopped = running.titan("status", "--json", TITAN_DATA_DIR=elsewhere)
    found = running.titan("status", "--json")

    assert stopped.returncode == 1
    assert json.loads(stopped.stdout)["state"] == "stopped"
    assert found.returncode == 0
    answer = json.loads(found.stdout)
    assert {"state", "data_dir", "services", "kafka", "postgres", "valkey"} <= set(answer)
    identity = answer["services"]["identity"]
    assert {"url", "ready", "web_pid", "worker_pid", "rss_bytes"} <= set(identity)
    assert identity["url"] == f"http://127.0.0.1:{running.port_base + 1}"
    assert identity["rss_bytes"] > 5_000_000
    kafka = answer["kafka"]
    assert (kafka["kind"], kafka["bootstrap"]) == ("embedded", f"127.0.0.1:{running.port_base + 92}")
    assert kafka["processes"]["kafka"]["pid"] == running.pid_of("kafka")


def test_status_shows_no_password(running: Home) -> None:
    secrets = json.loads((running.data_dir / "secrets.json").read_text())
    shown = running.titan("status", "--json").stdout
    assert secrets["postgres_password"] not in shown
    assert secrets["valkey_password"] not in shown


def test_what_holds_passwords_can_be_read_by_its_owner_only(running: Home) -> None:
    for name in ("secrets.json", "run/state.json", "valkey/valkey.conf"):
        assert (running.data_dir / name).stat().st_mode & 0o077 == 0, name


def test_logs_shows_the_lines_of_one_service_only(running: Home) -> None:
    said = running.titan("logs", "identity").stdout
    assert "worker up" in said
    assert "postgres" not in said
    assert running.titan("logs", "nobody").returncode == 2


def test_doctor_finds_the_servers_of_a_running_stack(running: Home) -> None:
    found = {finding["name"]: finding["ok"] for finding in json.loads(running.titan("doctor", "--json").stdout)}
    assert {name: found[name] for name in ("postgres", "kafka", "valkey", "identity", "clock of PostgreSQL")} == {
        "postgres": True,
        "kafka": True,
        "valkey": True,
        "identity": True,
        "clock of PostgreSQL": True,
    }


def test_status_starts_without_django_and_without_jax(running: Home) -> None:
    asked = "import sys; from titan import cli; sys.argv = ['titan', 'status', '--json']\n"
    asked += "try: cli.main()\nexcept SystemExit: pass\n"
    asked += "sys.exit(', '.join({'django', 'jax', 'pydantic', 'psycopg', 'aiokafka'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", asked], env=running.environment, capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""


def test_demo_on_another_kind_of_broker_than_the_one_that_runs_is_one_sentence(running: Home) -> None:
    done = running.titan("demo", "--kafka", "apache")
    assert done.returncode == 2
    assert done.stderr == (
        f"titan: The stack that runs in {running.data_dir} has --kafka embedded: "
        "stop it with `titan down` first, or leave --kafka out.\n"
    )
