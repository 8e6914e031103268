"""Offset fences: how far a consumer's committed effects reach, written in the same transaction as the effects.

Kafka's own committed offsets know nothing of a database restored to yesterday, and outlive a topic that was made anew.
A fence belongs to the database, so a consumer begins where its effects end, whatever the broker believes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from pydantic_core import to_json

from event_bus.broker import Record
from event_bus.envelope import id_in
from event_bus.models import OffsetFence

_ADVANCE = (
    "INSERT INTO offset_fence (consumer, cluster, topic, partition, next_offset, event_id)"
    " SELECT %s, %s, topic, partition, next_offset, event_id FROM json_to_recordset(%s::json)"
    " AS fence(topic text, partition int, next_offset bigint, event_id uuid)"
    " ON CONFLICT (consumer, cluster, topic, partition)"
    " DO UPDATE SET next_offset = EXCLUDED.next_offset, event_id = EXCLUDED.event_id"
)


class Fence(NamedTuple):
    """Where to go on, and the id of the event just before, by which a topic made anew is recognised."""

    next_offset: int
    event_id: UUID | None


def advance(consumer: str, cluster: str, records: Sequence[Record]) -> None:
    """Move the fences behind `records`, in the running transaction.

    The last writer wins: a fence that is too low costs only redelivery, which the inbox recognises.
    """
    last = {(record.topic, record.partition): record for record in records}
    fences = [
        {"topic": topic, "partition": partition, "next_offset": one.offset + 1, "event_id": id_in(one.headers)}
        for (topic, partition), one in sorted(last.items())
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ADVANCE, [consumer, cluster, to_json(fences).decode()])


def all_of(consumer: str, cluster: str) -> dict[tuple[str, int], Fence]:
    """The consumer's fences on one cluster by (topic, partition)."""
    rows = OffsetFence.objects.filter(consumer=consumer, cluster=cluster)
    return {(row.topic, row.partition): Fence(row.next_offset, row.event_id) for row in rows}
