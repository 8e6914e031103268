"""Where the bus stands: each worker tells it every two seconds to a board in Valkey, which the event map reads.

A board and no topic: only the newest report is of use, and it should come through when Kafka is what is down (ADR 16).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict
from redis.asyncio import Redis
from redis.exceptions import RedisError

from service_base.addresses import SERVICES
from service_base.env import env
from shared_models.clock import utc_now

log = structlog.get_logger("titan.worker")

BOARD = "titan:bus:"
EVERY_SECONDS = 2.0
# Rates are those of the last ten seconds: shorter ones jump, longer ones lag behind.
SAMPLES = 6
SILENT_AFTER = timedelta(seconds=8)
FORGOTTEN_AFTER = timedelta(hours=1)
ANSWER_SECONDS = 2.0


class BusReport(BaseModel):
    """What one worker process knows of the bus; rates are events a second, lag is records by topic."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    service: str
    instance: str
    started_at: AwareDatetime
    at: AwareDatetime
    publishes: list[str]
    listens_to: list[str]
    sent: dict[str, float]
    handled: dict[str, float]
    lag: dict[str, int]
    lag_seconds: float
    outbox_waiting: int
    outbox_oldest_seconds: float
    parked: int
    breaker_open: bool
    has_ended: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """The counters at one moment."""

    at: float
    sent: dict[str, float]
    handled: dict[str, float]


class BusReporter:
    """Tells the board how this worker's bus is for as long as `run` runs; no trouble of its own is anybody else's."""

    def __init__(self, service: str, *, parked: Callable[[], int], clock: Callable[[], datetime] = utc_now) -> None:
        from event_bus.database_thread import DatabaseThread

        self._service = service
        self._instance = f"{socket.gethostname()}:{os.getpid()}"
        self._clock = clock
        self._started_at = clock()
        self._count_parked = parked
        self._parked = 0
        self._thread = DatabaseThread("bus-report")
        self._samples: deque[Counted] = deque(maxlen=SAMPLES)
        self._is_away = False

    async def run(self, stop: asyncio.Event) -> None:
        """Report until `stop` is set, and once more then, so that the last thing known is the end."""
        from event_bus.pausing import pause

        board = connect()
        try:
            await self._forget_dead(board)
            while not stop.is_set():
                await self._look_at_parked()
                await self._tell(board)
                await pause(stop, EVERY_SECONDS)
        finally:
            # Also when another part of the worker died: that its breaker opened is what operators want to read.
            await self._tell(board, has_ended=True)
            await board.aclose()
            await self._thread.close()

    async def _tell(self, board: Redis, *, has_ended: bool = False) -> None:
        report = self.report().model_copy(update={"has_ended": has_ended})
        try:
            async with board.pipeline(transaction=False) as asked:
                asked.hset(BOARD + self._service, self._instance, report.model_dump_json())
                asked.expire(BOARD + self._service, FORGOTTEN_AFTER)
                await asked.execute()
            self._is_away = False
        except (RedisError, OSError) as error:
            self._say_once(error)

    async def _forget_dead(self, board: Redis) -> None:
        """Take what processes left that are long gone off the board."""
        try:
            for instance, told in (await board.hgetall(BOARD + self._service)).items():
                report = _read(told)
                if report is None or self._clock() - report.at > FORGOTTEN_AFTER:
                    await board.hdel(BOARD + self._service, instance)
        except (RedisError, OSError) as error:
            self._say_once(error)

    def _say_once(self, error: Exception) -> None:
        if not self._is_away:
            log.warning("bus_report.board_away", error=str(error))
        self._is_away = True

    async def _look_at_parked(self) -> None:
        from django.db import Error

        try:
            self._parked = await self._thread.run(self._count_parked)
        except Error:
            # The last known number stays; that the database is away is said by those who need it.
            await self._thread.disconnect()

    def report(self) -> BusReport:
        """The report of this moment; its rates are those since the oldest sample."""
        from event_bus import metrics, registry

        now = Counted(monotonic(), _by(metrics.sent, "type"), _by(metrics.handled, "type"))
        before = self._samples[0] if self._samples else now
        self._samples.append(now)
        return BusReport(
            service=self._service,
            instance=self._instance,
            started_at=self._started_at,
            at=self._clock(),
            publishes=registry.published_types(),
            listens_to=registry.handled_types(),
            sent=_rates(before.sent, now.sent, now.at - before.at),
            handled=_rates(before.handled, now.handled, now.at - before.at),
            lag={topic: int(records) for topic, records in _by(metrics.lag, "topic").items()},
            lag_seconds=_value(metrics.lag_seconds),
            outbox_waiting=int(_value(metrics.outbox_waiting)),
            outbox_oldest_seconds=_value(metrics.outbox_oldest),
            parked=self._parked,
            breaker_open=_value(metrics.breaker_open) > 0,
        )


def connect() -> Redis:
    """The board; an answer that does not come within two seconds is an error."""
    board: Redis = Redis.from_url(
        env().valkey_url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
    )
    return board


async def reports(board: Redis) -> list[BusReport]:
    """What the workers of all services told last, the newest of a service first. Raises RedisError."""
    async with board.pipeline(transaction=False) as asked:
        for service in SERVICES:
            asked.hgetall(BOARD + service)
        boards = await asked.execute()
    found = [report for told in boards for report in map(_read, told.values()) if report is not None]
    return sorted(found, key=lambda report: report.at, reverse=True)


def _read(told: bytes | str) -> BusReport | None:
    try:
        return BusReport.model_validate_json(told)
    except ValueError:
        return None  # of another version of the code, which says what it can the next time


def _rates(before: dict[str, float], now: dict[str, float], seconds: float) -> dict[str, float]:
    if seconds <= 0:
        return dict.fromkeys(now, 0.0)
    return {name: round((count - before.get(name, 0)) / seconds, 3) for name, count in now.items()}


def _samples(metric: Any) -> Iterable[Any]:
    # A counter also has a sample that says when it was made.
    return (sample for family in metric.collect() for sample in family.samples if not sample.name.endswith("_created"))


def _by(metric: Any, label: str) -> dict[str, float]:
    return {sample.labels[label]: sample.value for sample in _samples(metric)}


def _value(metric: Any) -> float:
    return float(next(iter(_samples(metric))).value)
