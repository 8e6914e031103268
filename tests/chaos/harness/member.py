"""One process of the service under test: `python -m harness.member relay|consumer …`; ends at SIGTERM like a worker.

Its failpoints (`--at`), the guards it lacks (`--without`) and its clock (`--clock`) are put on from outside the product.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiokafka


def main() -> None:
    """Put on what the test wants, then run the loops."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("loops", nargs="+", choices=["relay", "consumer"])
    parser.add_argument("--at", action="append", default=[], metavar="STEP:MOMENT:N:ACTION")
    parser.add_argument("--without", action="append", default=[], metavar="GUARD")
    parser.add_argument("--session-seconds", type=float, default=3)
    parser.add_argument("--clock", type=Path)
    arguments = parser.parse_args()
    if arguments.clock:
        from harness import clock

        clock.follow(arguments.clock)
    _hurry(arguments.session_seconds)
    os.environ["DJANGO_SETTINGS_MODULE"] = "harness.probe.settings"
    import django

    django.setup()
    from harness import failpoints, guards

    guards.remove(arguments.without)
    failpoints.arm(arguments.at)
    asyncio.run(_run(arguments.loops))


async def _run(loops: list[str]) -> None:
    from django.conf import settings

    from event_bus import registry
    from event_bus.consumer import ConsumerLoop
    from event_bus.kafka import KafkaBroker
    from event_bus.relay import Relay

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    broker = KafkaBroker(os.environ["TITAN_KAFKA_BOOTSTRAP"], client_id=os.environ["TITAN_CHAOS_MEMBER"])
    async with asyncio.TaskGroup() as tasks:
        if "relay" in loops:
            tasks.create_task(Relay(broker).run(stop))
        if "consumer" in loops:
            consumer = ConsumerLoop(broker, group=settings.TITAN_CONSUMER_GROUP, topics=registry.handled_topics())
            tasks.create_task(consumer.run(stop))
        sys.stdout.write("ready\n")
        sys.stdout.flush()


def _hurry(seconds: float) -> None:
    # A dead member's partitions wait for its session to end; the product's half minute would make every test long.
    start = aiokafka.AIOKafkaConsumer.__init__

    def sooner(self: Any, *topics: str, **options: Any) -> None:
        beat = {"session_timeout_ms": int(seconds * 1000), "heartbeat_interval_ms": int(seconds * 250)}
        start(self, *topics, **(options | beat))

    aiokafka.AIOKafkaConsumer.__init__ = sooner


if __name__ == "__main__":
    main()
