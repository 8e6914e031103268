"""A member that is late for a new generation is told that the group rebalances, as Kafka would tell it.

The embedded broker counts a new generation as soon as somebody joins, and refuses those who still speak for the one
before as if they were strangers; a client then forgets its name, and the group waits for a member that is no more.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from titan.embedded.kafka_members import HEARTBEAT, SYNC_GROUP
from titan.embedded.kafka_wire import Fields, Request

OFFSET_COMMIT = 8
ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS = 22, 27


def told_kindly(request: Request, answer: bytes) -> bytes:
    """The answer, in which whoever is late is asked to join again under its name."""
    kind = bytearray(answer)
    for place in _errors(request, answer):
        if struct.unpack_from("!h", answer, place) == (ILLEGAL_GENERATION,):
            struct.pack_into("!h", kind, place, REBALANCE_IN_PROGRESS)
    return bytes(kind)


def _errors(request: Request, answer: bytes) -> Iterator[int]:
    """Where the error codes are, of the versions that clients without compact fields speak."""
    if request.api in (SYNC_GROUP, HEARTBEAT) and request.version <= 3:
        yield 8 if request.version >= 1 else 4
    elif request.api == OFFSET_COMMIT and request.version <= 7:
        fields = Fields(answer, 8 if request.version >= 3 else 4)
        for _ in range(fields.int32()):
            fields.string()
            for _ in range(fields.int32()):
                fields.int32()
                yield fields.at
                fields.int16()
