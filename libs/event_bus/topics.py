"""Topics: made before anybody speaks, because a broker that makes them on first use gives them one partition."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

from event_bus.broker import BrokerUnavailable

TOPIC_EXISTS = 36
MOST_REPLICAS = 3


class PartitionState(NamedTuple):
    """One partition as the brokers see it; nobody leads it where `leader` is -1."""

    number: int
    leader: int
    replicas: int
    in_sync: int


async def ensure_topics(bootstrap: str, names: Sequence[str], *, partitions: int) -> None:
    """Make the topics that are missing, on three brokers where there are so many; those that exist stay as they are.

    Raises BrokerUnavailable.
    """
    async with _admin(bootstrap, "make topics") as admin:
        replicas = min(MOST_REPLICAS, len((await admin.describe_cluster())["brokers"]))
        made = await admin.create_topics([NewTopic(name, partitions, replicas) for name in names])
    for topic, code, message in made.topic_errors:
        if code not in (0, TOPIC_EXISTS):
            raise BrokerUnavailable(f"topic {topic}: {for_code(code).__name__}: {message}")


async def describe_topics(bootstrap: str, names: Sequence[str]) -> dict[str, list[PartitionState]]:
    """The partitions of each topic; a topic that is missing has none. Raises BrokerUnavailable."""
    async with _admin(bootstrap, "describe topics") as admin:
        described = await admin.describe_topics(list(names))
    return {
        topic["topic"]: [
            PartitionState(p["partition"], p["leader"], len(p["replicas"]), len(p["isr"])) for p in topic["partitions"]
        ]
        for topic in described
    }


@asynccontextmanager
async def _admin(bootstrap: str, doing: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError) as error:
        raise BrokerUnavailable(f"cannot {doing}: {type(error).__name__}: {error}") from error
    finally:
        await admin.close()
