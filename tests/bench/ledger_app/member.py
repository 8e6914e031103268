"""A member of billing's consumer group until SIGTERM: the loop that billing's worker runs, alone or with its relay.

With `--note` it prints, as JSON at its end, at which moment the postings of each event were committed.
"""

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

from service_base.worker import prepare, settle

moments: dict[str, float] = {}


def main() -> None:
    """Consume, and relay if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--relay", action="store_true")
    parser.add_argument("--note", action="store_true")
    asked = parser.parse_args()
    prepare("billing")
    settle()
    asyncio.run(_run(asked))
    json.dump(moments, sys.stdout)


async def _run(asked: argparse.Namespace) -> None:
    from django.conf import settings

    from event_bus import registry
    from event_bus.consumer import ConsumerLoop
    from event_bus.kafka import KafkaBroker
    from event_bus.relay import Relay

    registry.load()
    if asked.note:
        _note_arrivals()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    broker = KafkaBroker(os.environ["TITAN_KAFKA_BOOTSTRAP"], client_id=f"titan-bench-{os.getpid()}")
    consumer = ConsumerLoop(broker, group=settings.TITAN_CONSUMER_GROUP, topics=["titan.ml.v1"])
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(consumer.run(stop))
        if asked.relay:
            tasks.create_task(Relay(broker).run(stop))


def _note_arrivals() -> None:
    from django.db import transaction

    from event_bus import on_batch
    from shared_models.events import Envelope, ml

    def note(ids: Sequence[UUID]) -> None:
        now = time.monotonic()
        moments.update({str(id_): now for id_ in ids})

    @on_batch(ml.SolvingCompleted)
    def arrived(deliveries: Sequence[tuple[ml.SolvingCompleted, Envelope]]) -> None:
        ids = [envelope.id for _, envelope in deliveries]
        transaction.on_commit(lambda: note(ids))


if __name__ == "__main__":
    main()
