"""One measured step in a process of its own: `python -m bus_app.steps relay|consume|raw-send|raw-read …`, JSON out."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import sys
from collections.abc import Awaitable, Callable

import django
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bus_app.cost import Mark, Spent
from service_base.worker import settle

WARM_UP = 4_000
BATCH = 2_000


def main() -> None:
    """Do the step and print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=sorted(STEPS))
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--group", default="bench")
    asked = parser.parse_args()
    django.setup()
    settle()
    json.dump(asyncio.run(STEPS[asked.step](asked)).figures(), sys.stdout)


async def relay(asked: argparse.Namespace) -> Spent:
    """The relay sends all that waits; its first rows warm it up."""
    from asgiref.sync import sync_to_async

    from bus_app.rows import fill_outbox
    from event_bus import metrics
    from event_bus.relay import Relay

    sender = Relay(_broker())
    sent = _counter(metrics.sent)

    async def drained(events: int) -> None:
        await sync_to_async(fill_outbox)(events, asked.topic)
        wanted = sent() + events
        began.append(Mark.now())
        while sent() < wanted:
            await asyncio.sleep(await sender.step())

    began: list[Mark] = []
    await drained(WARM_UP)
    await drained(asked.events)
    ended = Mark.now()
    await sender.close()
    return Spent(asked.events, began[-1], ended)


async def consume(asked: argparse.Namespace) -> Spent:
    """The consumer handles all records of the topic; its first batches warm it up."""
    from event_bus.consumer import ConsumerLoop

    loop = ConsumerLoop(_broker(), group=asked.group, topics=[asked.topic])

    async def handle(events: int) -> int:
        done = 0
        while done < events:
            done += (await loop.step()).handled
        return done

    warm = await handle(WARM_UP)
    began = Mark.now()
    done = await handle(asked.events - warm)
    ended = Mark.now()
    await loop.close()
    return Spent(done, began, ended)


async def raw_send(asked: argparse.Namespace) -> Spent:
    """An idempotent producer alone: `send` of each message, waiting once a batch, as aiokafka's documentation does."""
    from bus_app.rows import messages

    waiting = messages(WARM_UP + asked.events, asked.topic)
    client = AIOKafkaProducer(
        bootstrap_servers=os.environ["TITAN_KAFKA_BOOTSTRAP"],
        enable_idempotence=True,
        acks="all",
        max_batch_size=262_144,
    )
    async with client:
        for start in itertools.count(0, BATCH):
            if start == WARM_UP:
                began = Mark.now()
            if not (batch := waiting[start : start + BATCH]):
                return Spent(asked.events, began, Mark.now())
            await asyncio.gather(
                *[await client.send(m.topic, key=m.key, value=m.value, headers=m.headers) for m in batch]
            )
    raise AssertionError("unreachable")


async def raw_read(asked: argparse.Namespace) -> Spent:
    """A group member alone: `getmany` until all records are there, nothing done with them, offsets committed."""
    client = AIOKafkaConsumer(
        asked.topic,
        bootstrap_servers=os.environ["TITAN_KAFKA_BOOTSTRAP"],
        group_id=asked.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )

    async def read(records: int) -> int:
        seen = 0
        while seen < records:
            found = await client.getmany(timeout_ms=500, max_records=BATCH)
            seen += sum(len(batch) for batch in found.values())
            await client.commit()
        return seen

    async with client:
        warm = await read(WARM_UP)
        began = Mark.now()
        done = await read(asked.events - warm)
        return Spent(done, began, Mark.now())


def _broker():  # type: ignore[no-untyped-def]
    from event_bus.kafka import KafkaBroker

    return KafkaBroker(os.environ["TITAN_KAFKA_BOOTSTRAP"], client_id="titan-bench")


def _counter(metric) -> Callable[[], float]:  # type: ignore[no-untyped-def]
    return lambda: sum(s.value for family in metric.collect() for s in family.samples if s.name.endswith("_total"))


STEPS: dict[str, Callable[[argparse.Namespace], Awaitable[Spent]]] = {
    "relay": relay,
    "consume": consume,
    "raw-send": raw_send,
    "raw-read": raw_read,
}

if __name__ == "__main__":
    main()
