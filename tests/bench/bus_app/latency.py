"""From commit to consumed: a writer, a relay and a consumer in three processes; moments on the machine's one clock."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from uuid import UUID

import django

from service_base.worker import settle

moments: dict[str, float] = {}


def main() -> None:
    """Run one of the three; writer and consumer print each event's moment as JSON at their end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["writer", "relay", "consumer"])
    parser.add_argument("--topic", required=True)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=10)
    asked = parser.parse_args()
    django.setup()
    settle()
    if asked.part == "writer":
        write(asked.topic, asked.rate, asked.seconds)
    else:
        asyncio.run(serve(asked.part, asked.topic))
    json.dump(moments, sys.stdout)


def write(topic: str, rate: float, seconds: float) -> None:
    """Commit `rate` events a second, one a transaction, evenly; note when each COMMIT returned."""
    from django.db import transaction

    from bus_app.rows import KEYS, person
    from event_bus import outbox
    from shared_models.ids import new_id

    outbox.topic_of = lambda contract: topic
    people = [new_id() for _ in range(KEYS)]
    began = time.monotonic()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        with transaction.atomic():
            id_ = outbox.append(person(people[number % KEYS], number))
        moments[str(id_)] = time.monotonic()


async def serve(part: str, topic: str) -> None:
    """The relay or the consumer, until SIGTERM."""
    from event_bus.consumer import ConsumerLoop
    from event_bus.kafka import KafkaBroker
    from event_bus.relay import Relay

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    broker = KafkaBroker(os.environ["TITAN_KAFKA_BOOTSTRAP"], client_id="titan-bench")
    if part == "relay":
        await Relay(broker).run(stop)
    else:
        _note_arrivals()
        await ConsumerLoop(broker, group=topic, topics=[topic]).run(stop)


def _note_arrivals() -> None:
    from django.db import transaction

    from event_bus import on_batch
    from shared_models.events import Envelope, identity

    def note(ids: Sequence[UUID]) -> None:
        now = time.monotonic()
        moments.update({str(id_): now for id_ in ids})

    @on_batch(identity.UserChanged)
    def arrived(changes: Sequence[tuple[identity.UserChanged, Envelope]]) -> None:
        ids = [envelope.id for _, envelope in changes]
        transaction.on_commit(lambda: note(ids))


if __name__ == "__main__":
    main()
