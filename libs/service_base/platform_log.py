"""The platform's log: warnings and errors of every process travel to Kafka, and never hold up what logs them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import socket
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from prometheus_client import Counter
from pydantic import AwareDatetime, BaseModel, ConfigDict

from event_bus.broker import Broker, BrokerUnavailable, Message
from event_bus.tracing import current_traceparent
from shared_models.ids import new_id

TOPIC = "titan.platform.log.v1"
ROOM = 1000
BATCH = 200
# A burst's connection is kept this long after its last line; an idle process holds none.
LINGER_SECONDS = 2.0
LONGEST_BACKOFF = 10.0
FLUSH_SECONDS = 2.0
MESSAGE_LENGTH = 8_000
TRACEBACK_LENGTH = 32_000
_ELSEWHERE = frozenset({"event", "level", "logger", "timestamp", "exc_info", "trace_id", "service"})

lost = Counter("titan_platform_log_lost_total", "Log lines that found no room on their way to Kafka")


class LogLine(BaseModel):
    """A log line on its way. The id is made where the line is: it comes again with the same one, or not at all."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    timestamp: AwareDatetime
    level: str
    service: str
    logger: str
    main_module: str = ""
    main_function: str = ""
    message: str
    traceback: str = ""
    host_name: str = ""
    ip: str = ""
    trace_id: str = ""


class PlatformLog(logging.Handler):
    """Hands lines of WARNING and above to a thread of its own that sends them.

    `emit` only appends to what waits: where there is no room the line is counted as lost, and whoever logged goes on.
    The thread starts with the first line, so a process that has nothing to complain about pays nothing. Nothing
    in it waits for a lock of the same thread: what the garbage collector ends in its midst may have to log as well.
    """

    def __init__(self, service: str, broker: Callable[[], Broker], *, room: int = ROOM) -> None:
        super().__init__(logging.WARNING)
        self._service = service
        self._broker = broker
        self._room = room
        self._waiting: deque[LogLine] = deque()
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take the line if there is room, and return at once."""
        if threading.current_thread() is self._thread:
            return  # what goes wrong while sending must not make more to send
        if len(self._waiting) >= self._room:
            lost.inc()
            return
        self._waiting.append(line_of(record, self._service))
        self._news.put(None)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._send_for_ever, name="platform-log", daemon=True)
            self._thread.start()

    def flush(self) -> None:
        """Wait for what was taken to be sent, but not longer than FLUSH_SECONDS."""
        deadline = time.monotonic() + FLUSH_SECONDS
        while self._waiting and time.monotonic() < deadline:
            time.sleep(0.02)

    def _send_for_ever(self) -> None:
        while True:
            self._news.get()
            if self._waiting:  # else it went with an earlier burst
                asyncio.run(self._send_burst())

    async def _send_burst(self) -> None:
        backoff = 0.2
        while self._waiting:
            try:
                await self._send_while_lines_come()
            except BrokerUnavailable:
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, LONGEST_BACKOFF)

    async def _send_while_lines_come(self) -> None:
        producer = await self._broker().producer()
        try:
            last = time.monotonic()
            while self._waiting or time.monotonic() - last < LINGER_SECONDS:
                if number := min(len(self._waiting), BATCH):
                    # One by one from the left: an iterator would not bear what is appended meanwhile.
                    await producer.send([_message(self._waiting[place]) for place in range(number)])
                    self._sent(number)
                    last = time.monotonic()
                else:
                    await asyncio.sleep(0.05)
        finally:
            await producer.close()

    def _sent(self, number: int) -> None:
        for _ in range(number):
            self._waiting.popleft()
            with contextlib.suppress(queue.Empty):  # it is put after its line, so perhaps not yet
                self._news.get_nowait()


def send_from(service: str, bootstrap: str) -> None:
    """Send this process's warnings and errors from now on; calling it again changes nothing."""
    from event_bus.kafka import KafkaBroker

    root = logging.getLogger()
    if not any(isinstance(handler, PlatformLog) for handler in root.handlers):
        root.addHandler(PlatformLog(service, lambda: KafkaBroker(bootstrap, client_id=f"titan-{service}-log")))


def flush() -> None:
    """Give the lines of a process that is about to end a last chance."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, PlatformLog):
            handler.flush()


def line_of(record: logging.LogRecord, service: str) -> LogLine:
    """The log record as it travels: an event with its fields, or a message, and the traceback as text."""
    event: dict[str, Any] = record.msg if isinstance(record.msg, dict) else {}
    trace = current_traceparent()
    return LogLine(
        id=new_id(),
        timestamp=datetime.fromtimestamp(record.created, UTC),
        level=record.levelname,
        service=service,
        logger=record.name,
        main_module=record.module,
        main_function=record.funcName or "",
        message=(_as_text(event) if event else record.getMessage())[:MESSAGE_LENGTH],
        traceback=_traceback(event.get("exc_info") or record.exc_info)[-TRACEBACK_LENGTH:],
        host_name=socket.gethostname(),
        ip=_address(),
        trace_id=str(event.get("trace_id") or (trace.split("-")[1] if trace else "")),
    )


def decode(values: Sequence[bytes]) -> list[LogLine]:
    """The lines among `values`; what is none is left out, since nobody could do anything about it."""
    lines: list[LogLine] = []
    for value in values:
        try:
            lines.append(LogLine.model_validate_json(value))
        except ValueError:
            lost.inc()
    return lines


def _message(line: LogLine) -> Message:
    return Message(
        TOPIC, line.service.encode(), line.model_dump_json().encode(), [("content-type", b"application/json")]
    )


def _as_text(event: dict[str, Any]) -> str:
    """A structured line: its name first, then its fields; what has a column of its own is left out."""
    fields = [f"{name}={value}" for name, value in event.items() if name not in _ELSEWHERE and not name.startswith("_")]
    return " ".join([str(event.get("event", "")), *fields])


def _traceback(error: Any) -> str:
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    return "".join(traceback.format_exception(error)) if isinstance(error, BaseException) else ""


@cache
def _address() -> str:
    """This machine's own address; nothing is sent and no name is looked up, since that could take its time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""  # a machine without a network has none
        return str(probe.getsockname()[0])
