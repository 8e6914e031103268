"""The worker's own loops: firing until stopped, and keeping what processes report, through a real broker."""

import asyncio
import logging
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async

from event_bus.kafka import KafkaBroker
from event_bus.topics import ensure_topics
from scheduler import commands, worker
from scheduler.models import JobRun, ScheduledJob
from scheduler.models import PlatformLog as StoredLine
from service_base.env import env
from service_base.platform_log import LogLine, PlatformLog
from shared_models.clock import utc_now
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "timeseries"])


async def until(condition, seconds=60.0):
    async with asyncio.timeout(seconds):
        while not await sync_to_async(condition)():
            await asyncio.sleep(0.05)


async def run_until(loop, condition):
    """Run the loop until the condition holds, then stop it as a signal would."""
    stop = asyncio.Event()
    running = asyncio.create_task(loop(stop))
    try:
        await until(condition)
    finally:
        stop.set()
        await asyncio.wait_for(running, 30)


async def test_the_firing_loop_makes_the_standard_jobs_and_fires_on_time(caller):
    olga = await sync_to_async(caller)("olga", operator=True)
    make = sync_to_async(commands.create_job)
    await make(caller=olga, name="Each second", topic="test.topic", trigger={"seconds": 1}, misfire_grace_seconds=60)
    await run_until(worker.Firing(), lambda: JobRun.objects.count() >= 2)
    assert await ScheduledJob.objects.filter(standard=True).acount() == 2
    lags = [(run.fired_at - run.scheduled_for).total_seconds() async for run in JobRun.objects.all()]
    assert min(lags) >= 0


async def test_a_warning_of_any_process_is_stored(kafka_bootstrap, monkeypatch):
    await ensure_topics(kafka_bootstrap, ["titan.platform.log.v1"], partitions=6)
    monkeypatch.setattr(env(), "kafka_bootstrap", kafka_bootstrap)
    handler = PlatformLog("ml", lambda: KafkaBroker(kafka_bootstrap, client_id="test"))
    text = f"trainer.lost {uuid4()}"
    handler.handle(logging.LogRecord("titan.trainer", logging.ERROR, __file__, 1, text, (), None))
    await run_until(worker.keep_platform_log, lambda: StoredLine.objects.filter(message=text).exists())
    line = await StoredLine.objects.aget(message=text)
    assert (line.service, line.level, line.logger) == ("ml", "ERROR", "titan.trainer")


def test_a_line_that_comes_twice_is_stored_once():
    line = LogLine(id=new_id(), timestamp=utc_now(), level="ERROR", service="ml", logger="titan", message="x")
    for _ in range(2):
        commands.store_platform_log(lines=[line])
    assert StoredLine.objects.count() == 1
