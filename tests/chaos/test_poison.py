"""Row e of the fault table: events that cannot be handled, a few of them and then all of them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from harness.database import Verdict
from harness.report import Report
from harness.world import Member, World

EVENTS, KEYS = 3_000, 600
BIG_BYTES = 5_000_000
BREAKER_LIMIT = 60
"""More than a breaker may park before it opens: 20 in a row, 5 % of the first thousand."""

# Strange rows go between the others: one of each kind after every so many events. Each has a key of its own.
STRANGE = {
    "undecodable": (100, "counter.counted.v1", '{"name": "undecodable", "number": '),
    "version 99": (200, "counter.counted.v99", '{"name": "new", "number": 1, "unit": "m"}'),
    "unknown type": (200, "counter.vanished.v1", "{}"),
}
RAISING_ONE_IN = 100


@pytest.fixture
def stopped(world: World) -> World:
    """A world whose outbox is full and whose loops have yet to start; rows have room between them."""
    world.wrote(world.write(events=EVENTS, keys=KEYS, batch=100))
    world.execute("UPDATE outbox SET seq = 1000000 + seq * 10")
    return world


def poison(world: World, one_in: int) -> None:
    """Let the handler raise at every `one_in`-th event."""
    world.execute(
        """UPDATE outbox SET payload = replace(payload, '"poison":false', '"poison":true')"""
        f" WHERE (seq - 1000000) / 10 % {one_in} = {7 % one_in}"
    )


def add_strange(world: World) -> dict[str, int]:
    """Put strange rows between the others; how many of each kind."""
    made = {}
    for place, (kind, (one_in, type_, body)) in enumerate(STRANGE.items(), 1):
        world.execute(
            "INSERT INTO outbox (seq, event_id, topic, key, type, headers, payload, occurred_at)"
            f" SELECT seq + {place}, gen_random_uuid(), topic, '{kind} ' || seq, 'titan.{world.name}.{type_}', headers,"
            f" '{body}', occurred_at FROM outbox WHERE seq % 10 = 0 AND (seq - 1000000) / 10 % {one_in} = 50"
        )
        made[kind] = world.number(f"SELECT count(*) FROM outbox WHERE key LIKE '{kind} %'")
    return made


async def send_foreign(world: World) -> int:
    """What another program might put into the topic: no headers, half of them, nothing at all, far too much."""
    headers = [
        ("ce_id", str(uuid4()).encode()), ("ce_type", f"titan.{world.name}.counter.counted.v1".encode()),
        ("ce_source", b"/elsewhere"), ("ce_time", b"2026-01-01T00:00:00Z"),
    ]  # fmt: skip
    big = json.dumps({"name": "big", "number": 1, "padding": "x" * BIG_BYTES}).encode()
    async with AIOKafkaProducer(bootstrap_servers=world.bootstrap, max_request_size=2 * BIG_BYTES) as producer:
        await producer.send_and_wait(world.topic, key=b"foreign 1", value=b"{}")
        await producer.send_and_wait(world.topic, key=b"foreign 2", value=b"{}", headers=headers[:2])
        await producer.send_and_wait(world.topic, key=b"foreign 3", value=None, headers=[("ce_id", b"\x00\xff")])
        try:
            await producer.send_and_wait(world.topic, key=b"foreign 4", value=big, headers=headers)
        except MessageSizeTooLargeError:
            return 3
    return 4


def parked(world: World, what: str = "true") -> int:
    """Parked events of which `what` is so."""
    return world.number(f"SELECT count(*) FROM parked_event WHERE {what}")


def replay(world: World) -> dict[str, int]:
    """What an operator does once the handler is mended."""
    done = subprocess.run(
        [sys.executable, "-m", "event_bus", "--settings=harness.probe.settings", "replay"],
        env=world.environment("replay", TITAN_CHAOS_MENDED="1"),
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout))


@dataclass(frozen=True)
class Found:
    """What became of a topic with some poison in it."""

    before: Verdict
    after: Verdict
    raised: int
    waited: int
    strange: dict[str, int]
    foreign: int
    strange_parked: int
    foreign_parked: int
    unexplained: int
    replayed: int
    left: int


def some_poison(world: World, *without: str) -> Found:
    """Events of all kinds pass; then the handler is mended and what was parked is replayed."""
    poison(world, RAISING_ONE_IN)
    raised = world.number("""SELECT count(DISTINCT key) FROM outbox WHERE payload LIKE '%"poison":true%'""")
    strange = add_strange(world)
    foreign = asyncio.run(send_foreign(world))
    world.start("relay")
    consumer = world.start("consumer", without=without)
    world.until(world.drained)
    assert consumer.running, consumer.output()[-3000:]
    before, waited = world.verdict(), parked(world, "error LIKE 'waits behind%'")
    strange_parked = parked(world, "key LIKE 'undecodable %' OR key LIKE 'version 99 %'")
    foreign_parked = parked(world, "key LIKE 'foreign %'")
    unexplained = parked(world, "error = '' OR error IS NULL")
    consumer.stop()
    replayed = replay(world)
    return Found(
        before, world.verdict(), raised, waited, strange, foreign, strange_parked, foreign_parked, unexplained,
        replayed["handled"], replayed["parked"],
    )  # fmt: skip


def test_poison_is_parked_with_its_reason_and_a_replay_mends_what_was_held_back(stopped: World, report: Report) -> None:
    """1 % undecodable, unknown types, a future version, a handler that raises, 5 MB, and records of strangers."""
    found = some_poison(stopped)
    report.say(
        "e", "parked with reason, others flow, replay fixes", events=EVENTS, keys_with_a_raising_event=found.raised,
        waited_behind=found.waited, strange_parked=found.strange_parked, foreign_parked=found.foreign_parked,
        five_megabytes="parked" if found.foreign == 4 else "refused by the broker",
        missing_before_replay=found.before.lost, replayed=found.replayed, left_parked=found.left, **vars(found.after),
    )  # fmt: skip
    # Only what a raising event holds back is missing before the replay, and nothing after it.
    assert found.before.lost == found.replayed
    assert (found.after.lost, found.after.doubled, found.after.inverted) == (0, 0, 0)
    assert found.strange_parked == found.strange["undecodable"] + found.strange["version 99"]
    assert found.foreign_parked == found.foreign
    assert found.left == found.strange_parked + found.foreign_parked
    assert found.unexplained == 0


def test_without_key_blocking_a_replay_breaks_the_order_of_keys(stopped: World, report: Report) -> None:
    """The control: what came after a parked event is handled before it."""
    found = some_poison(stopped, "key-blocking")
    report.say("e", "inverted effects are found", control=True, **vars(found.after))
    assert found.after.inverted > 0


def bad_deployment(world: World, one_in: int, *without: str) -> Member:
    """Every `one_in`-th event cannot be handled; the consumer, once it has ended or has parked far too much."""
    poison(world, one_in)
    world.start("relay")
    consumer = world.start("consumer", without=without)
    world.until(lambda: not consumer.running or parked(world) > 4 * BREAKER_LIMIT)
    return consumer


@pytest.mark.parametrize("one_in", [1, 10], ids=["every event", "every tenth event"])
def test_a_bad_deployment_stops_itself_and_commits_nothing_more(one_in: int, stopped: World, report: Report) -> None:
    """The consumer ends with an error after a few; mended, it goes on where it stopped and nothing is missing."""
    consumer = bad_deployment(stopped, one_in)
    code, set_aside, handled = consumer.code, parked(stopped), stopped.number("SELECT count(*) FROM effect")
    stopped.start("consumer", TITAN_CHAOS_MENDED="1")
    stopped.until(stopped.drained)
    replayed = replay(stopped)
    verdict = stopped.verdict()
    report.say(
        "e", "stopped with an error, exact after mending", events=EVENTS, one_in=one_in, exit_code=code or 0,
        parked_when_it_stopped=set_aside, handled_when_it_stopped=handled, replayed=replayed["handled"],
        left_parked=replayed["parked"], **vars(verdict),
    )  # fmt: skip
    assert code not in (None, 0)
    assert "BreakerOpen" in consumer.output()
    assert set_aside <= BREAKER_LIMIT
    assert (verdict.lost, verdict.doubled, verdict.inverted) == (0, 0, 0)
    assert replayed["parked"] == 0


def test_without_the_breaker_a_bad_deployment_fills_the_parking_table(stopped: World, report: Report) -> None:
    """The control: it goes on parking, several times as much as the breaker allows."""
    consumer = bad_deployment(stopped, 1, "breaker")
    report.say("e", "a parking table that fills is found", control=True, events=EVENTS, parked=parked(stopped))
    assert consumer.running
    assert parked(stopped) > BREAKER_LIMIT
