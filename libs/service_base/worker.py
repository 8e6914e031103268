"""The worker process of a service: the relay, the consumer and the service's own loops, until asked to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

import structlog

from service_base import logging as titan_logging
from service_base import platform_log

log = structlog.get_logger("titan.worker")
Loop = Callable[[asyncio.Event], Coroutine[object, object, None]]


@dataclass(frozen=True, slots=True)
class Every:
    """Runs a synchronous function every `seconds` on a thread; a database that is away is waited for."""

    seconds: float
    work: Callable[[], object]

    async def __call__(self, stop: asyncio.Event) -> None:
        """Repeat until `stop` is set."""
        from django.db import DatabaseError, connections

        from event_bus.pausing import pause

        def once() -> None:
            try:
                self.work()
            except DatabaseError as error:
                log.warning("worker.retry", work=self.work.__name__, error=str(error))
            finally:
                connections.close_all()

        while not stop.is_set():
            await asyncio.to_thread(once)
            await pause(stop, self.seconds)


def run(context: str, *loops: Loop) -> None:
    """Run the worker of the service `context` with its further `loops`; returns after SIGTERM or Ctrl-C.

    Any part that dies ends the process with an error, and the supervisor starts it anew.
    """
    prepare(context)
    try:
        asyncio.run(_run(loops))
    except* Exception as group:
        for error in group.exceptions:
            log.error("worker.died", error=f"{type(error).__name__}: {error}", exc_info=error)
        platform_log.flush()
        sys.exit(1)


def prepare(context: str) -> None:
    """Set Django and the event map up for a process of the service `context` that is not a web process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"{context}.settings")
    import django

    django.setup()
    titan_logging.send_to_platform(context)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; work in hand is finished first."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _run(loops: Sequence[Loop]) -> None:
    from django.conf import settings

    from event_bus import inbox, registry
    from event_bus.consumer import ConsumerLoop
    from event_bus.kafka import KafkaBroker
    from event_bus.relay import Relay
    from service_base.env import env

    stop = stop_on_signals()
    broker = KafkaBroker(env().kafka_bootstrap, client_id=f"titan-{settings.TITAN_CONTEXT}")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(Relay(broker).run(stop))
        if registry.handled_topics():
            consumer = ConsumerLoop(broker, group=settings.TITAN_CONSUMER_GROUP, topics=registry.handled_topics())
            tasks.create_task(consumer.run(stop))
        tasks.create_task(Every(3600, inbox.forget_old)(stop))
        for loop in loops:
            tasks.create_task(loop(stop))
        log.info("worker.ready", context=settings.TITAN_CONTEXT)
