"""A stack on Apache Kafka: `titan up --kafka apache`, with stand-ins for the services."""

from __future__ import annotations

import os
import signal
import socket

import psutil
import pytest
from brokers import needs_apache
from home import Home

from titan import process

pytestmark = [needs_apache, pytest.mark.timeout(240)]


def test_a_stack_on_apache_kafka_says_so_heals_its_broker_and_leaves_nothing_running(home: Home) -> None:
    home.up("worker", OTHER_KAFKA="apache")
    home.wait_for(home.is_ready, seconds=90)
    answer = home.status()["kafka"]
    broker = home.pid_of("kafka")
    assert answer["kind"] == "apache"
    assert answer["bootstrap"] == f"127.0.0.1:{home.port_base + 92}"
    assert broker is not None
    assert psutil.Process(broker).name() == "java"

    os.kill(broker, signal.SIGKILL)
    home.wait_for(lambda: home.pid_of("kafka") not in (None, broker))
    home.titan("down")

    assert process.of_stack(home.data_dir) == []


def test_the_taken_port_of_the_controller_is_one_sentence(home: Home) -> None:
    with socket.create_server(("127.0.0.1", home.port_base + 93)):
        said, _ = home.up("worker", OTHER_KAFKA="apache").communicate(timeout=60)

    complaint = said.strip().splitlines()[-1]
    assert complaint.startswith(f"titan: Port {home.port_base + 93} on 127.0.0.1, wanted for Kafka's controller")
