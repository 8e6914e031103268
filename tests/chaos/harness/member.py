"""One process of the service under test: `python -m harness.member relay|consumer …`; ends at SIGTERM like a worker.

Its failpoints (`--at`), the guards it lacks (`--without`) and the constants that are other than the product's
(`--tune`) are put on from outside the product.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys

from harness import standing


def main() -> None:
    """Put on what the test wants, then run the loops."""
    standing.answer_when_asked()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("loops", nargs="+", choices=["relay", "consumer"])
    parser.add_argument("--at", action="append", default=[], metavar="STEP:MOMENT:N:ACTION")
    parser.add_argument("--without", action="append", default=[], metavar="GUARD")
    parser.add_argument("--tune", action="append", default=[], metavar="MODULE.CONSTANT=VALUE")
    parser.add_argument("--session-seconds", type=float, default=6)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    os.environ["DJANGO_SETTINGS_MODULE"] = "harness.probe.settings"
    import django

    django.setup()
    from harness import failpoints, guards

    guards.remove(arguments.without)
    guards.tune(arguments.tune)
    failpoints.arm(arguments.at)
    asyncio.run(_run(arguments.loops, arguments.session_seconds))


async def _run(loops: list[str], session_seconds: float) -> None:
    from django.conf import settings

    from event_bus import registry
    from event_bus.consumer import ConsumerLoop
    from event_bus.kafka import KafkaBroker
    from event_bus.relay import Relay

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    bootstrap, name = os.environ["TITAN_KAFKA_BOOTSTRAP"], os.environ["TITAN_CHAOS_MEMBER"]
    broker = KafkaBroker(bootstrap, client_id=name, session_seconds=session_seconds)
    async with asyncio.TaskGroup() as tasks:
        if "relay" in loops:
            tasks.create_task(Relay(broker).run(stop))
        if "consumer" in loops:
            consumer = ConsumerLoop(broker, group=settings.TITAN_CONSUMER_GROUP, topics=registry.handled_topics())
            tasks.create_task(consumer.run(stop))
        sys.stdout.write("ready\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
