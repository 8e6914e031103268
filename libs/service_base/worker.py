"""The worker process of a service: the relay, the consumer and the service's own loops, until asked to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass

import structlog

from event_bus.database_thread import DatabaseThread
from event_bus.watchdog import Watchdog
from service_base import logging as titan_logging
from service_base import platform_log, sessions, telemetry, worker_http

log = structlog.get_logger("titan.worker")
Loop = Callable[[asyncio.Event], Coroutine[object, object, None]]
FIRST_WAIT = 0.2
LONGEST_WAIT = 2.0
# Objects that are made and kept before cycles are looked for among them: some ten megabytes. It is more than a batch of
# two thousand events holds at once, which makes no cycles; Python's 700 are as many as a dozen events make.
COLLECT_AFTER = 100_000
# Work that comes again so soon keeps its connection: opening one takes PostgreSQL and us some ten milliseconds each.
SOON = 5.0


@dataclass(frozen=True, slots=True)
class Every:
    """Runs a synchronous function every `seconds` on a thread of its own; a database that is away is waited for."""

    seconds: float
    work: Callable[[], object]

    async def __call__(self, stop: asyncio.Event) -> None:
        """Repeat until `stop` is set."""
        from event_bus.pausing import pause

        thread = DatabaseThread(_name_of(self.work))
        try:
            while not stop.is_set():
                await until_done(stop, self.work, thread)
                if self.seconds > SOON:
                    await thread.disconnect()
                await pause(stop, self.seconds)
        finally:
            await thread.close()


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker consists of; when one dies, the process ends within the watchdog's time, however others wait."""

    tasks: asyncio.TaskGroup
    watchdog: Watchdog

    def add(self, part: Coroutine[object, object, None]) -> None:
        """Run it beside the others."""
        self.tasks.create_task(self._run(part))

    async def _run(self, part: Coroutine[object, object, None]) -> None:
        try:
            await part
        except Exception as error:
            self.watchdog.beat(f"the end after {type(error).__name__}: {error}")
            raise


async def until_done(stop: asyncio.Event, work: Callable[[], object], thread: DatabaseThread) -> bool:
    """Do `work` on the thread, again after a growing pause while the database is away; False when stopped before.

    Its transaction is the unit: what failed with a database error left nothing behind, so that it may be done again.
    """
    from django.db import Error

    from event_bus.pausing import pause

    seconds = FIRST_WAIT
    while not stop.is_set():
        try:
            await thread.run(work)
            return True
        except Error as error:
            said = str(error).strip().partition("\n")[0]
            log.warning("worker.database_away", work=_name_of(work), error=said, retry_seconds=seconds)
            await thread.disconnect()
        await pause(stop, seconds)
        seconds = min(seconds * 2, LONGEST_WAIT)
    return False


def _name_of(work: Callable[[], object]) -> str:
    return str(getattr(getattr(work, "func", work), "__name__", work))


def run(context: str, *loops: Loop, first: Callable[[], object] | None = None) -> None:
    """Run the worker of the service `context` with its further `loops`; returns after SIGTERM or Ctrl-C.

    `first` is done once before anything else, as soon as the database lets it. Any part that dies ends the process
    with its error as the last line, and the supervisor starts it anew.
    """
    prepare(context)
    try:
        asyncio.run(_run(loops, first))
    except ExceptionGroup as group:
        sys.exit(_last_words(context, list(_leaves(group))))


def _last_words(context: str, errors: list[BaseException]) -> str:
    for error in errors:
        if isinstance(error, sessions.SharedSession):
            return f"titan: {error}"
        log.error("worker.died", error=f"{type(error).__name__}: {error}", exc_info=error)
    platform_log.flush()
    return f"titan: the worker of {context} ended: {type(errors[0]).__name__}: {errors[0]}"


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def prepare(context: str) -> None:
    """Set Django and the event map up for a process of the service `context` that is not a web process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"{context}.settings")
    import django

    django.setup()
    from django.conf import settings

    sessions.bind(settings.DATABASES)
    titan_logging.send_to_platform(context)
    telemetry.start(context)


def settle() -> None:
    """Spare the garbage collector what it finds nothing in: looking through it took half of a consumer's time.

    What is loaded stays for ever, and what a batch makes lives until the batch ends.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; work in hand is finished first."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _run(loops: Sequence[Loop], first: Callable[[], object] | None) -> None:
    from django.conf import settings

    from event_bus import inbox, registry
    from event_bus.consumer import ConsumerLoop
    from event_bus.kafka import KafkaBroker
    from event_bus.models import ParkedEvent
    from event_bus.relay import Relay
    from service_base.bus_reports import BusReporter
    from service_base.env import env
    from shared_models.retention import forget_expired

    settle()
    stop = stop_on_signals()
    http = worker_http.WorkerHttp(settings.TITAN_CONTEXT)
    broker = KafkaBroker(
        env().kafka_bootstrap, client_id=f"titan-{settings.TITAN_CONTEXT}", instance=env().kafka_instance
    )
    watchdog = Watchdog()
    watchdog.start()
    async with asyncio.TaskGroup() as tasks:
        parts = Parts(tasks, watchdog)
        parts.add(http.run(stop))
        if not await _begin(stop, first):
            return
        for shard in range(env().relay_shards):
            parts.add(Relay(broker, shard, env().relay_shards, watchdog).run(stop))
        if topics := registry.handled_topics():
            consumer = ConsumerLoop(broker, group=settings.TITAN_CONSUMER_GROUP, topics=topics, watchdog=watchdog)
            parts.add(consumer.run(stop))
        parts.add(Every(3600, inbox.forget_old)(stop))
        if settings.TIMESERIES_MODELS:
            parts.add(Every(3600, forget_expired)(stop))
        parts.add(BusReporter(settings.TITAN_CONTEXT, parked=ParkedEvent.objects.count).run(stop))
        for loop in loops:
            parts.add(loop(stop))
        http.has_begun = True
        log.info("worker.ready", context=settings.TITAN_CONTEXT)


async def _begin(stop: asyncio.Event, first: Callable[[], object] | None) -> bool:
    """Prove that the relay's lock holds here, then do what comes first; False when stopped before that was done."""
    from django.db.utils import DatabaseErrorWrapper

    def prove() -> None:
        from django.db import connection

        with DatabaseErrorWrapper(connection):
            sessions.prove_direct()

    thread = DatabaseThread("begin")
    try:
        return await until_done(stop, prove, thread) and (first is None or await until_done(stop, first, thread))
    finally:
        await thread.close()
