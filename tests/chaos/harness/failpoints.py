"""Named steps of relay and consumer, and what happens to the process at the n-th pass of one.

The product knows nothing of this: steps are recognised from outside, by the statements that psycopg sends and the calls
that aiokafka takes. A failpoint is written `consumer.commit:before:3:kill`.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiokafka
import psycopg
from aiokafka.producer.sender import SendProduceReqHandler
from django.db.backends.base.base import BaseDatabaseWrapper

RELAY = ("relay.read", "relay.send", "relay.ack", "relay.delete")
CONSUMER = (
    *("consumer.poll", "consumer.begin", "consumer.claim"),
    *("consumer.handler", "consumer.commit", "consumer.offsets"),
)
# What billing's page adds: its people locked, its rows written, its events appended.
LEDGER = ("ledger.lock", "ledger.write", "ledger.say")
REACHED = "failpoint reached: "
STATEMENTS = {
    "relay.read": re.compile(r'^\s*SELECT\b.*\bFROM "?outbox"?.*ORDER BY', re.DOTALL),
    "relay.delete": re.compile(r'\bDELETE FROM "?outbox"?'),
    "consumer.claim": re.compile(r'\bINSERT INTO "?inbox"?'),
    "ledger.lock": re.compile(r"\bFROM party\b.*\bFOR UPDATE", re.DOTALL),
    "ledger.write": re.compile(r"\bledger_write\("),
    "ledger.say": re.compile(r'\bINSERT INTO "?outbox"?'),
}


def kill(subject: object) -> None:
    """End as the machine would end us: at once, without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop(subject: object) -> None:
    """Freeze until somebody sends SIGCONT: a paused container, a sleeping laptop."""
    os.kill(os.getpid(), signal.SIGSTOP)


def cut(subject: object) -> None:
    """Cut the database connection under the feet of whoever uses it."""
    connection = subject if isinstance(subject, psycopg.Connection) else getattr(subject, "connection", None)
    if connection is not None:
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)


ACTIONS: dict[str, Callable[[object], None]] = {"kill": kill, "stop": stop, "cut": cut}


@dataclass
class Failpoint:
    """What happens at the `nth` pass of a step."""

    step: str
    moment: str
    nth: int
    action: str
    passed: int = 0

    @classmethod
    def parse(cls, text: str) -> Failpoint:
        """`STEP:before|after:N:kill|stop|cut`."""
        step, moment, nth, action = text.split(":")
        if step not in RELAY + CONSUMER + LEDGER or moment not in ("before", "after") or action not in ACTIONS:
            raise ValueError(f"no such failpoint: {text}")
        return cls(step, moment, int(nth), action)

    def __str__(self) -> str:
        return f"{self.step}:{self.moment}:{self.nth}:{self.action}"


_armed: list[Failpoint] = []


def reach(step: str, moment: str, subject: object = None) -> None:
    """Say that the process is at this moment of this step."""
    for point in _armed:
        if (point.step, point.moment) == (step, moment):
            point.passed += 1
            if point.passed == point.nth:
                sys.stderr.write(f"{REACHED}{point}\n")
                sys.stderr.flush()
                ACTIONS[point.action](subject)


@contextlib.contextmanager
def around(step: str, subject: object = None) -> Iterator[None]:
    """Both moments of a step."""
    reach(step, "before", subject)
    yield
    reach(step, "after", subject)


def arm(texts: list[str]) -> None:
    """Watch the steps; call once, before the loops start."""
    _armed.extend(Failpoint.parse(text) for text in texts)
    _watch_statements()
    _watch_transactions()
    _watch_producer()
    _watch_consumer()


def _watch_statements() -> None:
    execute = psycopg.Cursor.execute

    def watched(self: Any, query: Any, *rest: Any, **more: Any) -> Any:
        text = query if isinstance(query, str) else str(query)
        step = next((name for name, shape in STATEMENTS.items() if shape.search(text)), None)
        if step is None:
            return execute(self, query, *rest, **more)
        reach(step, "before", self)
        done = execute(self, query, *rest, **more)
        if step == "consumer.claim":
            _claiming.add(id(self.connection))
        if step != "relay.read" or self.rowcount > 0:
            reach(step, "after", self)
        return done

    psycopg.Cursor.execute = watched  # type: ignore[method-assign,assignment]


_claiming: set[int] = set()


def _watch_transactions() -> None:
    commit, set_autocommit = psycopg.Connection.commit, BaseDatabaseWrapper.set_autocommit

    def began(self: Any, autocommit: bool, *rest: Any, **more: Any) -> None:
        if autocommit:
            return set_autocommit(self, autocommit, *rest, **more)
        with around("consumer.begin", self.connection):
            return set_autocommit(self, autocommit, *rest, **more)

    def watched(self: Any) -> None:
        if id(self) not in _claiming:  # somebody else's transaction: the relay's, a test's
            return commit(self)
        _claiming.discard(id(self))
        with around("consumer.commit", self):
            return commit(self)

    BaseDatabaseWrapper.set_autocommit = began  # type: ignore[method-assign]
    psycopg.Connection.commit = watched  # type: ignore[method-assign]


def _watch_producer() -> None:
    send, answered = aiokafka.AIOKafkaProducer.send_batch, SendProduceReqHandler.handle_response

    async def watched(self: Any, *rest: Any, **more: Any) -> Any:
        with around("relay.send", self):
            return await send(self, *rest, **more)

    def acknowledged(self: Any, response: Any) -> Any:
        with around("relay.ack", self):
            return answered(self, response)

    aiokafka.AIOKafkaProducer.send_batch = watched
    SendProduceReqHandler.handle_response = acknowledged


def _watch_consumer() -> None:
    getmany, commit = aiokafka.AIOKafkaConsumer.getmany, aiokafka.AIOKafkaConsumer.commit

    async def watched(self: Any, *rest: Any, **more: Any) -> Any:
        reach("consumer.poll", "before", self)
        found = await getmany(self, *rest, **more)
        if found:
            reach("consumer.poll", "after", self)
        return found

    async def committed(self: Any, *rest: Any, **more: Any) -> Any:
        with around("consumer.offsets", self):
            return await commit(self, *rest, **more)

    aiokafka.AIOKafkaConsumer.getmany = watched
    aiokafka.AIOKafkaConsumer.commit = committed
