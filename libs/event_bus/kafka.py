"""Kafka through aiokafka, with the bounds that aiokafka itself lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from event_bus.broker import BrokerUnavailable, Consumer, Fences, Producer
from event_bus.kafka_consumer import KafkaConsumer
from event_bus.kafka_producer import KafkaProducer

START_SECONDS = 20
STOP_SECONDS = 3
METADATA_SECONDS = 0.2


class KafkaBroker:
    """A Kafka cluster at `bootstrap` (`host:port`, comma-separated).

    A member that is silent for `session_seconds` loses its partitions to others. One with an `instance` (a name that
    no other member of its group has) takes its own back at once when it is started again.
    """

    def __init__(self, bootstrap: str, *, client_id: str, session_seconds: float = 30.0, instance: str = "") -> None:
        self.bootstrap = bootstrap
        self.client_id = client_id
        self.session_seconds = session_seconds
        self.instance = instance

    async def producer(self) -> Producer:
        """A started idempotent producer. Raises BrokerUnavailable."""
        client = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            client_id=self.client_id,
            enable_idempotence=True,
            acks="all",
            max_batch_size=262_144,
            max_request_size=2_097_152,
            request_timeout_ms=10_000,
            retry_backoff_ms=200,
        )
        pace(client.client)
        await start(client)
        return KafkaProducer(client)

    async def consumer(self, *, group: str, topics: Sequence[str], fences: Fences) -> Consumer:
        """A started group member. Raises BrokerUnavailable."""
        client = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            client_id=self.client_id,
            group_id=group,
            group_instance_id=self.instance or None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(self.session_seconds * 1000),
            heartbeat_interval_ms=int(self.session_seconds * 100),
            rebalance_timeout_ms=60_000,
            max_partition_fetch_bytes=1_048_576,
            metadata_max_age_ms=30_000,
        )
        consumer = KafkaConsumer(client, fences)
        await start(client)
        await consumer.ask_cluster()
        # Not before the start, which would wait for partitions: a join that is given up leaves a member behind for
        # which the next one waits in turn.
        client.subscribe(topics, listener=consumer)
        pace(client._client)
        return consumer


def pace(client: AIOKafkaClient) -> None:
    """Ask for metadata five times a second at most.

    For as long as a partition has no leader, aiokafka would ask again as soon as it was answered: half a core.
    """
    update, last = client._metadata_update, 0.0

    async def paced(*arguments: Any) -> bool:
        nonlocal last
        await asyncio.sleep(last + METADATA_SECONDS - monotonic())
        last = monotonic()
        return bool(await update(*arguments))

    client._metadata_update = paced


async def start(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Start within START_SECONDS. Raises BrokerUnavailable."""
    try:
        async with asyncio.timeout(START_SECONDS):
            await client.start()
    except (KafkaError, TimeoutError, OSError) as error:
        await stop(client)
        raise BrokerUnavailable(f"no Kafka broker answers: {type(error).__name__}: {error}") from error


async def stop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Stop within STOP_SECONDS; an idempotent producer without a broker would wait for ever, so the wait is cut."""
    stopping = asyncio.ensure_future(client.stop())
    done, _ = await asyncio.wait({stopping}, timeout=STOP_SECONDS)
    if not done:
        stopping.cancel()
        await _abandon(client)


async def _abandon(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """End what `stop` did not get to: a member whose heart beats on is waited for by its group, and never comes."""
    if isinstance(client, AIOKafkaProducer):
        parts = [client._sender, client.client]
    else:
        parts = [client._fetcher, client._client]
        if heart := getattr(client._coordinator, "_heartbeat_task", None):
            heart.cancel()
    closing = asyncio.gather(*(part.close() for part in parts if part), return_exceptions=True)
    await asyncio.wait({closing}, timeout=STOP_SECONDS)
