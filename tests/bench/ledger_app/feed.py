"""Usage into the topic of ml: `python -m ledger_app.feed --events N`, or evenly with `--rate R --seconds S`.

The second prints, as JSON, at which moment of the machine's one clock each event was handed to the producer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from itertools import islice

import django
from aiokafka import AIOKafkaProducer

BATCH = 2_000


def main() -> None:
    """Send what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--sold", type=int, default=10, help="one in so many is on the market")
    parser.add_argument("--events", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--seconds", type=float)
    asked = parser.parse_args()
    django.setup()
    sent = asyncio.run(_evenly(asked) if asked.rate else _at_once(asked))
    json.dump(sent, sys.stdout)


def _producer() -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=os.environ["TITAN_KAFKA_BOOTSTRAP"], acks="all", max_batch_size=262_144)


async def _at_once(asked: argparse.Namespace) -> dict[str, float]:
    from ledger_app.usage_events import message, people, stream

    events = stream(people(asked.people), asked.sold)
    left = asked.events
    async with _producer() as client:
        while left > 0:
            batch = [message(event)[1] for event in islice(events, min(BATCH, left))]
            acks = [await client.send(m.topic, key=m.key, value=m.value, headers=m.headers) for m in batch]
            await asyncio.gather(*acks)
            left -= len(batch)
    return {}


async def _evenly(asked: argparse.Namespace) -> dict[str, float]:
    """One event each 1/rate seconds by the clock, whether or not those before it were answered: an open loop."""
    from ledger_app.usage_events import message, people, stream

    events, sent, acks = stream(people(asked.people), asked.sold), dict[str, float](), []
    async with _producer() as client:
        began = time.monotonic()
        for number in range(int(asked.rate * asked.seconds)):
            due = began + number / asked.rate
            if (ahead := due - time.monotonic()) > 0:
                await asyncio.sleep(ahead)
            id_, m = message(next(events))
            sent[str(id_)] = due  # when it should have been sent: a late sender counts against us, not for us
            acks.append(await client.send(m.topic, key=m.key, value=m.value, headers=m.headers))
        await asyncio.gather(*acks)
    return sent


if __name__ == "__main__":
    main()
