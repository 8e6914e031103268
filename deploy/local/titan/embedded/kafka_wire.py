"""The little of Kafka's wire protocol that the gate before the embedded broker reads and writes.

Only the versions without compact fields are understood (Produce to 8, Fetch to 11), which is what aiokafka speaks;
newer requests pass through the gate as they are.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

PRODUCE, FETCH, LIST_OFFSETS, METADATA, FIND_COORDINATOR = 0, 1, 2, 3, 10
CREATE_TOPICS, DELETE_TOPICS, INIT_PRODUCER_ID, CREATE_PARTITIONS, DESCRIBE_CLUSTER = 19, 20, 22, 37, 60
LARGEST_FRAME = 128 * 2**20


class Fields:
    """Reads fields one after the other."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    @property
    def at(self) -> int:
        """Where the next field begins."""
        return self._at

    def int16(self) -> int:
        return self._number("!h", 2)

    def int32(self) -> int:
        return self._number("!i", 4)

    def int64(self) -> int:
        return self._number("!q", 8)

    def string(self) -> str:
        """A string, empty where there is none."""
        return self._take(max(self.int16(), 0)).decode()

    def data(self) -> bytes:
        """Bytes, empty where there are none."""
        return self._take(max(self.int32(), 0))

    def _number(self, form: str, size: int) -> int:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += size
        return int(value)

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) < size:
            raise ValueError("a Kafka frame ends too early")
        self._at += size
        return taken


@dataclass(frozen=True, slots=True)
class Request:
    """A request frame, read as far as its header."""

    frame: bytes
    api: int
    version: int

    @property
    def wants_answer(self) -> bool:
        """A producer that asks for no acknowledgement gets no response at all."""
        return not (self.api == PRODUCE and self.version <= 8 and self._acks() == 0)

    def is_fetch(self) -> bool:
        return self.api == FETCH and 4 <= self.version <= 11

    def is_produce(self) -> bool:
        return self.api == PRODUCE and 3 <= self.version <= 8

    def without_new_topics(self) -> bytes:
        """The frame of a metadata request (4 to 8) that does not ask for missing topics to be made."""
        wish = {4: -1, 5: -1, 6: -1, 7: -1, 8: -3}.get(self.version)
        if wish is None:
            return self.frame
        frame = bytearray(self.frame)
        frame[wish] = 0
        return bytes(frame)

    def fetch_wait(self) -> float:
        """Seconds a fetch may wait for records."""
        body = self.body()
        body.int32()
        return body.int32() / 1000

    def batches(self) -> dict[tuple[str, int], bytes]:
        """What a produce request wants appended, by topic and partition."""
        body = self.body()
        body.string()
        body.int16()
        body.int32()
        return {
            (topic, body.int32()): body.data()
            for topic in (body.string() for _ in range(body.int32()))
            for _ in range(body.int32())
        }

    def body(self) -> Fields:
        """The fields after the header."""
        header = Fields(self.frame, 8)
        header.string()
        return header

    def _acks(self) -> int:
        body = self.body()
        if self.version >= 3:
            body.string()
        return body.int16()


def request_of(frame: bytes) -> Request:
    """Read a frame's header."""
    api, version = struct.unpack_from("!hh", frame)
    return Request(frame, api, version)


def has_records(version: int, answer: bytes) -> bool:
    """Whether a fetch response (4 to 11) has records or an error to tell."""
    fields = Fields(answer, 8)
    if version >= 7:
        if fields.int16() != 0:
            return True
        fields.int32()
    for _ in range(fields.int32()):
        fields.string()
        for _ in range(fields.int32()):
            if _partition_has_news(version, fields):
                return True
    return False


def _partition_has_news(version: int, fields: Fields) -> bool:
    fields.int32()
    error = fields.int16()
    fields.int64()
    fields.int64()
    if version >= 5:
        fields.int64()
    for _ in range(max(fields.int32(), 0)):
        fields.int64()
        fields.int64()
    if version >= 11:
        fields.int32()
    return bool(error or fields.data())


def appended_at(version: int, answer: bytes) -> dict[tuple[str, int], int]:
    """The first offset of each batch that a produce response (3 to 8) reports as appended."""
    fields = Fields(answer, 4)
    found = {}
    for _ in range(fields.int32()):
        topic = fields.string()
        for _ in range(fields.int32()):
            partition, error, offset = fields.int32(), fields.int16(), fields.int64()
            _skip_rest_of_produced(version, fields)
            if error == 0:
                found[topic, partition] = offset
    return found


def _skip_rest_of_produced(version: int, fields: Fields) -> None:
    fields.int64()
    if version >= 5:
        fields.int64()
    if version >= 8:
        for _ in range(max(fields.int32(), 0)):
            fields.int32()
            fields.string()
        fields.string()


def producer_of(batch: bytes) -> int:
    """The id of the producer that made a record batch, -1 for one without."""
    return Fields(batch, 43).int64()


def produce(topic: str, partition: int, batch: bytes) -> bytes:
    """A request that appends one batch as it is."""
    body = struct.pack("!hhii", -1, -1, 10_000, 1) + _string(topic) + struct.pack("!ii", 1, partition)
    return _frame(PRODUCE, 3, body + struct.pack("!i", len(batch)) + batch)


def metadata() -> bytes:
    """A request for the brokers there are, and no topics."""
    return _frame(METADATA, 2, struct.pack("!i", 0))


def brokers_of(answer: bytes) -> int:
    """How many brokers the response to `metadata` names."""
    return Fields(answer, 4).int32()


def cluster_of(answer: bytes) -> bytes:
    """The id of the cluster in the response to `metadata`."""
    fields = Fields(answer, 4)
    for _ in range(fields.int32()):
        fields.int32()
        fields.string()
        fields.int32()
        fields.string()
    return fields.string().encode()


def list_offsets(topic: str, partition: int) -> bytes:
    """A request for the offset that the next record of a partition will get."""
    return _frame(LIST_OFFSETS, 1, struct.pack("!ii", -1, 1) + _string(topic) + struct.pack("!iiq", 1, partition, -1))


def offset_of(answer: bytes) -> int:
    """The offset in the response to `list_offsets`."""
    fields = Fields(answer, 8)
    fields.string()
    fields.int32()
    fields.int32()
    error = fields.int16()
    fields.int64()
    return -1 if error else fields.int64()


def init_producer_id() -> bytes:
    """A request for a producer id."""
    return _frame(INIT_PRODUCER_ID, 0, struct.pack("!hi", -1, 60_000))


def producer_id_of(answer: bytes) -> int:
    """The id in the response to `init_producer_id`."""
    return Fields(answer, 10).int64()


def _frame(api: int, version: int, body: bytes) -> bytes:
    return struct.pack("!hhi", api, version, 0) + _string("titan-gate") + body


def _string(text: str) -> bytes:
    return struct.pack("!h", len(text.encode())) + text.encode()


async def read_frame(stream: asyncio.StreamReader) -> bytes:
    """The next frame without its length; empty at the end of the stream."""
    try:
        (size,) = struct.unpack("!i", await stream.readexactly(4))
        if not 0 < size <= LARGEST_FRAME:
            return b""
        return await stream.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def write_frame(stream: asyncio.StreamWriter, frame: bytes) -> None:
    """Send a frame with its length before it."""
    stream.write(struct.pack("!i", len(frame)) + frame)
