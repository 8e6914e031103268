"""The worker process of scheduler: relay, consumer, the firing loop and the platform log's reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import structlog

from service_base.env import env
from service_base.worker import prepare, run

if TYPE_CHECKING:
    from event_bus.fences import Fence

log = structlog.get_logger("scheduler.worker")

# A job that is due sooner than the ones known before is noticed after this long at the latest.
LONGEST_SLEEP = 1.0
LOG_BATCH = 500


class Firing:
    """Fires what is due and sleeps until the next job is; any number of replicas may do so at once."""

    def __init__(self) -> None:
        # One thread and one connection for good: making them anew would cost more than firing.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="firing")
        self._step: Callable[[], float] = _begin

    async def __call__(self, stop: asyncio.Event) -> None:
        """Fire until `stop` is set; a database that is away is waited for."""
        from django.db import Error

        from event_bus.pausing import pause

        loop = asyncio.get_running_loop()
        while not stop.is_set():
            try:
                seconds = await loop.run_in_executor(self._thread, self._step)
                self._step = _fire
            except Error as error:
                log.warning("firing.retry", error=str(error))
                await loop.run_in_executor(self._thread, _close)
                seconds = LONGEST_SLEEP
            await pause(stop, seconds)
        await loop.run_in_executor(self._thread, _close)


async def keep_platform_log(stop: asyncio.Event) -> None:
    """Store what processes report; offsets are committed after the rows, and a row that comes again is known."""
    from django.conf import settings
    from django.db import Error

    from event_bus.broker import BrokerUnavailable, Consumer
    from event_bus.kafka import KafkaBroker
    from event_bus.pausing import pause
    from service_base.platform_log import TOPIC

    broker = KafkaBroker(env().kafka_bootstrap, client_id="titan-scheduler-log", instance=env().kafka_instance)
    client: Consumer | None = None
    while not stop.is_set():
        try:
            client = client or await broker.consumer(
                group=f"{settings.TITAN_CONSUMER_GROUP}.platform-log", topics=[TOPIC], fences=_no_fences
            )
            records = await client.poll(timeout=LONGEST_SLEEP, limit=LOG_BATCH)
            if records:
                await asyncio.to_thread(_store, [record.value for record in records])
                await client.commit()
        except (BrokerUnavailable, Error) as error:
            # A new member starts at the last commit, so nothing that was polled is lost.
            log.warning("platform_log.retry", error=str(error))
            if client is not None:
                await client.close()
                client = None
            await pause(stop, LONGEST_SLEEP)
    if client is not None:
        await client.close()


async def _no_fences(cluster: str) -> dict[tuple[str, int], Fence]:
    # A row that comes again is known by its id, so Kafka's own offsets are good enough.
    return {}


def _begin() -> float:
    from scheduler import commands

    commands.ensure_standard_jobs()
    return _fire()


def _fire() -> float:
    """Fire until nothing is due; the seconds until something is."""
    from scheduler import clock, commands

    while commands.fire_due():
        pass  # as long as something is due there is no reason to sleep
    coming = clock.seconds_until_due()
    return LONGEST_SLEEP if coming is None else min(max(coming, 0.0), LONGEST_SLEEP)


def _close() -> None:
    from django.db import connection

    # Looked up here, on the thread that owns it: the loop's thread has another connection.
    connection.close()


def _store(values: list[bytes]) -> None:
    from django.db import connections

    from scheduler import commands
    from service_base.platform_log import decode

    try:
        commands.store_platform_log(lines=decode(values))
    finally:
        connections.close_all()


def main() -> None:
    """Run until stopped."""
    prepare("scheduler")
    run("scheduler", Firing(), keep_platform_log)


if __name__ == "__main__":
    main()
