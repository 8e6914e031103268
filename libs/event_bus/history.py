"""A topic from its first kept record to its end, outside any group: for projections that are built anew."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from event_bus.broker import BrokerUnavailable, Record
from event_bus.kafka_consumer import as_records


class History:
    """Reads what there is; asked again, only what came since."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._next: dict[TopicPartition, int] = {}

    async def further(self) -> AsyncIterator[list[Record]]:
        """Everything up to the end that the topic has when this is called. Raises BrokerUnavailable."""
        client = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, auto_offset_reset="earliest")
        try:
            await client.start()
            numbers = await client._client.fetch_all_metadata()
            partitions = [TopicPartition(self._topic, n) for n in numbers.partitions_for_topic(self._topic) or ()]
            client.assign(partitions)
            first, ends = await client.beginning_offsets(partitions), await client.end_offsets(partitions)
            for partition in partitions:
                self._next[partition] = max(self._next.get(partition, 0), first[partition])
                client.seek(partition, self._next[partition])
            while any(self._next[partition] < ends[partition] for partition in partitions):
                batches = await client.getmany(timeout_ms=500)
                for partition in partitions:
                    # Where the last records are gone or are no records, nothing comes, and the position moves alone.
                    self._next[partition] = await client.position(partition)
                yield [record for batch in batches.values() for record in as_records(batch)]
        except (KafkaError, TimeoutError, OSError) as error:
            raise BrokerUnavailable(f"{self._topic} cannot be read: {type(error).__name__}: {error}") from error
        finally:
            await client.stop()
