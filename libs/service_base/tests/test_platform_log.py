"""The platform's log: lines arrive with their fields, and whoever logs is never held up."""

import logging
import subprocess
import sys
from time import monotonic, sleep

import pytest

from event_bus import tracing
from event_bus.tests.memory import MemoryBroker
from service_base import platform_log
from service_base.platform_log import PlatformLog, decode


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """A burst ends at once, so that no test waits for one."""
    monkeypatch.setattr(platform_log, "LINGER_SECONDS", 0.05)
    # While what a test looks at is waited for however slow the machine is.
    monkeypatch.setattr(platform_log, "FLUSH_SECONDS", 30)


@pytest.fixture
def broker():
    return MemoryBroker()


def logger_with(handler):
    logger = logging.getLogger(f"titan.sample.{id(handler)}")
    logger.propagate = False
    logger.handlers = [handler]
    return logger


def arrived(broker):
    records = [record for (topic, _), log in broker.logs.items() if topic == platform_log.TOPIC for record in log]
    return sorted(decode([record.value for record in records]), key=lambda line: line.id)


def test_a_warning_arrives_with_its_fields_and_its_trace(broker):
    handler = PlatformLog("billing", lambda: broker)
    token = tracing.enter(f"00-{'a' * 32}-{'b' * 16}-01")
    logger_with(handler).warning({"event": "hold.expired", "hold": 7, "service": "billing"})
    tracing.leave(token)
    handler.flush()
    (line,) = arrived(broker)
    assert (line.service, line.level, line.message) == ("billing", "WARNING", "hold.expired hold=7")
    assert line.trace_id == "a" * 32
    assert line.main_function == "test_a_warning_arrives_with_its_fields_and_its_trace"


def test_an_error_brings_its_traceback(broker):
    handler = PlatformLog("ml", lambda: broker)
    try:
        raise LookupError("no such table")
    except LookupError:
        logger_with(handler).exception("training.failed")
    handler.flush()
    assert "LookupError: no such table" in arrived(broker)[0].traceback


def test_what_is_no_warning_stays_here(broker):
    handler = PlatformLog("ml", lambda: broker)
    logger_with(handler).info("training.started")
    handler.flush()
    assert arrived(broker) == []


def test_logging_never_waits_for_a_broker_and_what_finds_no_room_is_counted(broker):
    broker.down = True
    handler = PlatformLog("ml", lambda: broker, room=5)
    before, began = platform_log.lost._value.get(), monotonic()
    logger = logger_with(handler)
    for number in range(500):
        logger.warning("line %s", number)
    assert monotonic() - began < 10.0  # a line that waited for the broker would wait for ever
    assert platform_log.lost._value.get() - before >= 500 - 5 - platform_log.BATCH


def test_lines_taken_while_the_broker_was_away_arrive_once_it_is_back(broker):
    broker.down = True
    handler = PlatformLog("ml", lambda: broker)
    for number in range(3):
        logger_with(handler).warning("line %s", number)
    sleep(0.05)
    broker.down = False
    handler.flush()
    assert [line.message for line in arrived(broker)] == ["line 0", "line 1", "line 2"]


INTERRUPTED = """
import logging, sys
from event_bus.broker import BrokerUnavailable
from service_base.platform_log import PlatformLog
class Away:
    async def producer(self): raise BrokerUnavailable("away")
seen, handler = set(), PlatformLog("ml", Away)
logger = logging.getLogger("titan.sample")
logger.handlers = [handler]
def collect(frame, event, argument):
    # The garbage collector ends a task that nobody waits for, and the task complains: at each line once.
    place = (frame.f_code.co_filename, frame.f_lineno)
    if place not in seen:
        seen.add(place)
        logger.warning("Task was destroyed but it is pending!")
    return collect
sys.settrace(collect)
logger.warning("first")
logger.warning("second")
sys.settrace(None)
print(len(seen) + 2, len(handler._waiting))
"""


def test_a_line_that_is_logged_in_the_midst_of_another_is_taken_and_holds_nobody_up():
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=30, check=False)
    logged, taken = map(int, ended.stdout.split())
    assert logged == taken > 50


def test_bytes_that_are_no_log_line_are_left_out():
    assert decode([b"\xff", b"{}", b'{"id": 1}']) == []
