"""A whole stack with stand-ins for the services: start, heal, stop, and every way of being interrupted."""

from __future__ import annotations

import json
import signal
import socket
import sys

import psycopg
import pytest
from home import Home

from titan import process
from titan import state as states
from titan.stack import environment_for


def test_a_stack_becomes_ready_and_ctrl_c_leaves_nothing_running(home: Home) -> None:
    stack = home.up("worker")
    home.wait_until_ready()

    stack.send_signal(signal.SIGINT)
    said, _ = stack.communicate(timeout=60)

    assert "ready in" in said
    assert stack.returncode == 0
    assert process.of_stack(home.data_dir) == []


@pytest.mark.parametrize("moment", ["pg.new", "pg", "kafka", "logs/identity-migrate.log"])
def test_ctrl_c_during_the_start_leaves_nothing_running_and_the_next_start_works(home: Home, moment: str) -> None:
    stack = home.up("worker", SLOW="60")
    home.wait_for(lambda: (home.data_dir / moment).exists())
    stack.send_signal(signal.SIGINT)
    stack.communicate(timeout=60)
    assert process.of_stack(home.data_dir) == []

    home.up("worker")
    home.wait_until_ready()


def test_after_kill_minus_nine_of_everything_the_next_start_works_on_the_same_data(home: Home) -> None:
    stack = home.up("worker")
    home.wait_until_ready()
    address = environment_for("identity", states.of_running_stack(home.data_dir).configuration(home.data_dir))
    with psycopg.connect(address["TITAN_DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    for pid in [*process.of_stack(home.data_dir), stack.pid]:
        process.signal_quietly(pid, signal.SIGKILL)
    stack.communicate()

    home.up("worker")
    home.wait_until_ready()

    with psycopg.connect(address["TITAN_DATABASE_URL"]) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_children_of_a_killed_supervisor_die_with_it(home: Home) -> None:
    stack = home.up("worker")
    home.wait_until_ready()

    stack.kill()

    home.wait_for(lambda: process.of_stack(home.data_dir) == [])


def test_a_process_that_ignores_the_signal_is_killed_at_the_end_of_its_grace(home: Home) -> None:
    stack = home.up("deaf")
    home.wait_until_ready()

    stack.send_signal(signal.SIGTERM)
    stack.communicate(timeout=60)

    assert process.of_stack(home.data_dir) == []


def test_a_crash_loop_says_why(home: Home) -> None:
    home.up("crashing")
    home.wait_for(lambda: "identity-crashing keeps dying (3 times" in home.log())
    assert "no money in the machine" in home.log().split("keeps dying")[1]
    home.wait_for(lambda: "identity-crashing keeps dying" in home.status()["missing"])


def test_a_second_up_says_that_one_runs_already(home: Home) -> None:
    first = home.up("worker")
    home.wait_until_ready()

    second = home.up("worker")
    said, _ = second.communicate(timeout=60)

    assert second.returncode == 1
    assert f"already runs in {home.data_dir} (process {first.pid})" in said
    assert home.status()["state"] == "ready"


def test_a_taken_port_is_one_sentence_with_the_port_and_the_setting(home: Home) -> None:
    with socket.create_server(("127.0.0.1", home.port_base + 32)):
        stack = home.up("worker")
        said, _ = stack.communicate(timeout=60)

    assert stack.returncode == 1
    complaint = said.strip().splitlines()[-1]
    assert complaint.startswith(f"titan: Port {home.port_base + 32} on 127.0.0.1, wanted for PostgreSQL")
    assert "TITAN_PORT_BASE" in complaint


def test_an_unwritable_data_directory_is_one_sentence_with_the_way_out(home: Home) -> None:
    home.data_dir.write_text("a file where the directory should be")
    done = home.titan("up")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "TITAN_DATA_DIR" in done.stderr


@pytest.mark.parametrize(
    ("variables", "options", "named"),
    [
        ({"TITAN_PORT_BASE": "many"}, [], "TITAN_PORT_BASE"),
        ({"TITAN_PORT_BASE": "80"}, [], "TITAN_PORT_BASE"),
        ({}, ["--kafka", "broker"], "--kafka"),
        ({}, ["--postgres", "mysql://somewhere"], "--postgres"),
        ({}, ["--valkey", "nowhere"], "--valkey"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(
    home: Home, variables: dict[str, str], options: list[str], named: str
) -> None:
    done = home.titan("up", *options, **variables)
    assert done.returncode == 2
    assert done.stderr.startswith(f"titan: {named} is ")
    assert done.stderr.count("\n") == 1


def test_servers_that_somebody_else_runs_are_used_and_left_running(
    home: Home, postgres_url: str, kafka_bootstrap: str, valkey_url: str
) -> None:
    stack = home.up("worker", OTHER_POSTGRES=postgres_url, OTHER_KAFKA=kafka_bootstrap, OTHER_VALKEY=valkey_url)
    home.wait_until_ready()
    answer = home.status()
    stack.send_signal(signal.SIGTERM)
    stack.communicate(timeout=60)

    assert {name: answer[name]["kind"] for name in ("postgres", "kafka", "valkey")} == {
        "postgres": "external",
        "kafka": "external",
        "valkey": "external",
    }
    assert not (home.data_dir / "pg").exists()
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'identity'").fetchone() == (1,)


def test_a_server_of_somebody_else_that_does_not_answer_is_one_sentence(home: Home) -> None:
    stack = home.up("worker", OTHER_POSTGRES=f"postgresql://me@127.0.0.1:{home.port_base + 50}/postgres")
    said, _ = stack.communicate(timeout=60)
    assert stack.returncode == 1
    assert said.strip().splitlines()[-1].startswith("titan: PostgreSQL: connection failed")


def test_down_stops_a_stack_and_says_so(home: Home) -> None:
    stack = home.up("worker")
    home.wait_until_ready()

    done = home.titan("down")

    assert done.returncode == 0
    assert done.stdout.startswith("stopped")
    assert stack.wait(timeout=30) == 0
    assert process.of_stack(home.data_dir) == []
    assert home.titan("down").stdout.startswith("nothing runs")


def test_doctor_names_the_way_out_of_what_is_wrong(home: Home) -> None:
    with socket.create_server(("127.0.0.1", home.port_base + 92)):
        done = home.titan("doctor", "--json")
    wrong = [finding for finding in json.loads(done.stdout) if finding["name"] == "ports"]
    assert done.returncode == 1
    assert [finding["ok"] for finding in wrong] == [False]
    assert f"Port {home.port_base + 92} on 127.0.0.1, wanted for Kafka" in wrong[0]["detail"]
