"""Groups on the embedded broker: the partitions of a member that died or fell silent go to the others."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from event_bus.topics import ensure_topics
from titan.embedded.kafka_generations import (
    ILLEGAL_GENERATION,
    OFFSET_COMMIT,
    REBALANCE_IN_PROGRESS,
    told_kindly,
)
from titan.embedded.kafka_members import JOIN_GROUP, Members
from titan.embedded.kafka_wire import Request, request_of

MEMBER = """
import asyncio, sys
from aiokafka import AIOKafkaConsumer
async def main(bootstrap, group, topic):
    member = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, session_timeout_ms=6000,
                              heartbeat_interval_ms=500, enable_auto_commit=False)
    await member.start()
    known = None
    while True:
        if known != (known := len(member.assignment())):
            print(known, flush=True)
        await member.getmany(timeout_ms=100)
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def member(kafka_bootstrap: str) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts members of one group, each a process that prints how many partitions it has."""
    topic, started = f"members.{uuid4().hex}", []
    await ensure_topics(kafka_bootstrap, [topic], partitions=6)

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", MEMBER, kafka_bootstrap, f"group.{topic}", topic]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def wait_for(member: subprocess.Popen[str], partitions: int) -> None:
    for line in member.stdout:
        if int(line) == partitions:
            return
    raise AssertionError("the member ended")


@pytest.mark.timeout(60)
def test_who_starts_after_a_killed_member_has_all_partitions_at_once(member: Callable[[], subprocess.Popen[str]]):
    first = member()
    wait_for(first, 6)
    first.kill()
    wait_for(member(), 6)


@pytest.mark.timeout(60)
def test_a_member_that_is_killed_while_it_joins_is_not_waited_for(member: Callable[[], subprocess.Popen[str]]):
    first = member()
    wait_for(first, 6)
    first.send_signal(signal.SIGSTOP)
    joining = member()
    with pytest.raises(subprocess.TimeoutExpired):
        joining.wait(1.5)
    joining.kill()
    first.kill()
    wait_for(member(), 6)


@pytest.mark.timeout(60)
def test_a_member_that_is_silent_for_its_session_time_loses_its_partitions(member: Callable[[], subprocess.Popen[str]]):
    first = member()
    wait_for(first, 6)
    first.send_signal(signal.SIGSTOP)
    wait_for(member(), 6)


def test_a_client_that_joins_anew_under_no_name_gives_up_the_name_it_had():
    """As aiokafka does when a commit was refused during a rebalance; the others would wait for the old name."""
    members = Members()
    members.hear(join(member="named"))
    members.hear(join(member=""))
    (leave,) = members.given_up()
    assert b"named" in leave
    assert members.given_up() == members.leaving() == []


def join(*, member: str) -> Request:
    body = b"".join(struct.pack("!h", len(text)) + text for text in (b"group",))
    body += struct.pack("!ii", 6000, 60000) + struct.pack("!h", len(member)) + member.encode()
    return request_of(struct.pack("!hhih", JOIN_GROUP, 2, 1, -1) + body)


@pytest.mark.parametrize(("version", "before"), [(2, b""), (3, bytes(4))])
def test_a_commit_for_the_generation_before_is_told_that_the_group_rebalances(version: int, before: bytes):
    request = request_of(struct.pack("!hhih", OFFSET_COMMIT, version, 1, -1))
    answer = f"!i{len(before)}sih5siihih"
    told = told_kindly(request, struct.pack(answer, 1, before, 1, 5, b"topic", 2, 0, ILLEGAL_GENERATION, 1, 0))
    assert struct.unpack(answer, told)[-4:] == (0, REBALANCE_IN_PROGRESS, 1, 0)
