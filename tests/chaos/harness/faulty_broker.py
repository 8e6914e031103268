"""A Kafka cluster that fails on demand: librdkafka's mock cluster, out of the `confluent-kafka` wheel, by ctypes.

It listens on 127.0.0.1 and speaks the protocol of produce, fetch and groups, so real clients in real processes meet
the faults. What it is not: it keeps 5 MB a partition in memory, knows no admin requests (make topics here), never
refuses a wrong sequence number by itself, and stamps all records with the same time.
"""

from __future__ import annotations

import ctypes
import importlib.util
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Kafka's request types and error codes that the tests play with.
PRODUCE, FETCH, METADATA, OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR = 0, 1, 3, 8, 9, 10
JOIN_GROUP, HEARTBEAT, SYNC_GROUP, INIT_PRODUCER_ID = 11, 12, 14, 22
NO_ERROR, NOT_LEADER, REQUEST_TIMED_OUT, MESSAGE_TOO_LARGE, COORDINATOR_LOADING, NOT_COORDINATOR = 0, 6, 7, 10, 14, 16
ILLEGAL_GENERATION, UNKNOWN_MEMBER, REBALANCE_IN_PROGRESS, OUT_OF_ORDER_SEQUENCE = 22, 25, 27, 45
CONNECTION_LOST = -195
"""librdkafka's own code: instead of an answer the connection is cut."""
NOBODY = -1
"""As a leader: the partition has none."""
EVERY_BROKER = -1

_PRODUCER = 0
_Pointer = ctypes.c_void_p


class FaultyBroker:
    """The cluster; every method takes effect at once."""

    def __init__(self, library: ctypes.CDLL, cluster: int) -> None:
        self._library = library
        self._cluster = cluster
        self.bootstrap: str = library.rd_kafka_mock_cluster_bootstraps(cluster).decode()

    def make_topic(self, name: str, *, partitions: int = 6) -> None:
        """Make a topic; its partitions' leaders are spread over the brokers."""
        self._must("rd_kafka_mock_topic_create", name.encode(), partitions, 1)

    def set_leader(self, topic: str, partition: int, broker: int) -> None:
        """Move a partition to another broker, or take its leader away (NOBODY)."""
        self._must("rd_kafka_mock_partition_set_leader", topic.encode(), partition, broker)

    def go_down(self, broker: int = EVERY_BROKER) -> None:
        """Cut all connections and take no new ones."""
        self._must("rd_kafka_mock_broker_set_down", broker)

    def come_up(self, broker: int = EVERY_BROKER) -> None:
        """Take connections again; the log is as it was."""
        self._must("rd_kafka_mock_broker_set_up", broker)

    def be_slow(self, seconds: float, broker: int = EVERY_BROKER) -> None:
        """Answer each request so much later."""
        self._must("rd_kafka_mock_broker_set_rtt", broker, int(seconds * 1000))

    def fail(self, request: int, *errors: int) -> None:
        """Answer the next requests of this type with these errors, one each, and do nothing of what they ask."""
        codes = (ctypes.c_int * len(errors))(*errors)
        push = self._library.rd_kafka_mock_push_request_errors_array
        push(self._cluster, request, ctypes.c_size_t(len(errors)), codes)

    def answer_late(self, request: int, seconds: float, *, broker: int = 1) -> None:
        """Do what the next request of this type asks, and answer so much later."""
        pair = (ctypes.c_int(NO_ERROR), ctypes.c_int(int(seconds * 1000)))
        self._must("rd_kafka_mock_broker_push_request_error_rtts", broker, request, ctypes.c_size_t(1), *pair)

    def forget_faults(self, request: int) -> None:
        """Drop the errors that wait for requests of this type."""
        self._library.rd_kafka_mock_clear_request_errors(self._cluster, request)

    def set_coordinator(self, group: str, broker: int) -> None:
        """Move a consumer group to another broker."""
        self._must("rd_kafka_mock_coordinator_set", b"group", group.encode(), broker)

    def set_rebalance_delay(self, seconds: float) -> None:
        """How long a new group waits for members before it shares partitions out."""
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, int(seconds * 1000))

    @contextmanager
    def counting(self) -> Iterator[Counter[int]]:
        """Count the requests that arrive within the block, by type; the counter is filled at its end."""
        requests: Counter[int] = Counter()
        self._library.rd_kafka_mock_start_request_tracking(self._cluster)
        try:
            yield requests
        finally:
            requests.update(self._tracked())
            self._library.rd_kafka_mock_stop_request_tracking(self._cluster)

    def wait_for(self, request: int, seconds: float) -> None:
        """Wait until a request of this type has arrived and what it asks is done."""
        deadline = time.monotonic() + seconds
        self._library.rd_kafka_mock_start_request_tracking(self._cluster)
        try:
            while request not in self._tracked():
                assert time.monotonic() < deadline, f"no request of type {request} within {seconds:.0f} s"
                time.sleep(0.02)
            time.sleep(0.2)  # it is noted before it is done
        finally:
            self._library.rd_kafka_mock_stop_request_tracking(self._cluster)

    def _tracked(self) -> list[int]:
        count = ctypes.c_size_t()
        found = self._library.rd_kafka_mock_get_requests(self._cluster, ctypes.byref(count))
        types = [self._library.rd_kafka_mock_request_api_key(found[i]) for i in range(count.value)]
        self._library.rd_kafka_mock_request_destroy_array(found, count)
        return types

    def _must(self, function: str, *arguments: Any) -> None:
        code = getattr(self._library, function)(self._cluster, *arguments)
        if code != NO_ERROR:
            raise RuntimeError(f"{function}{arguments} was refused with error {code}")


@contextmanager
def faulty_broker(*, brokers: int = 1, topics: Sequence[str] = (), partitions: int = 6) -> Iterator[FaultyBroker]:
    """A mock cluster with these topics for the length of a block."""
    library = _library()
    client = _client(library)
    cluster = library.rd_kafka_mock_cluster_new(client, brokers)
    broker = FaultyBroker(library, cluster)
    try:
        broker.set_rebalance_delay(0)
        for topic in topics:
            broker.make_topic(topic, partitions=partitions)
        yield broker
    finally:
        library.rd_kafka_mock_cluster_destroy(cluster)
        library.rd_kafka_destroy(client)


def is_available() -> bool:
    """Whether this machine has the wheel with its librdkafka."""
    return bool(_libraries())


def _libraries() -> list[Path]:
    spec = importlib.util.find_spec("confluent_kafka")
    if spec is None or spec.origin is None:
        return []
    package = Path(spec.origin).parent
    places = (package.with_name("confluent_kafka.libs"), package / ".dylibs")  # Linux, macOS
    return [file for place in places for file in place.glob("librdkafka*")]


def _client(library: ctypes.CDLL) -> int:
    """The client instance that librdkafka keeps the cluster's books in; it connects nowhere."""
    said = ctypes.create_string_buffer(512)
    configuration = library.rd_kafka_conf_new()
    library.rd_kafka_conf_set(configuration, b"log_level", b"2", said, len(said))
    client = library.rd_kafka_new(_PRODUCER, configuration, said, len(said))
    if not client:
        raise RuntimeError(f"librdkafka: {said.value.decode()}")
    return int(client)


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(_libraries()[0]))
    integer, size, text = ctypes.c_int32, ctypes.c_size_t, ctypes.c_char_p
    # Only the fixed arguments: what follows them in a C function of many arguments is passed as it is.
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "rd_kafka_conf_new": (_Pointer, []),
        "rd_kafka_conf_set": (integer, [_Pointer, text, text, text, size]),
        "rd_kafka_new": (_Pointer, [integer, _Pointer, text, size]),
        "rd_kafka_destroy": (None, [_Pointer]),
        "rd_kafka_mock_cluster_new": (_Pointer, [_Pointer, integer]),
        "rd_kafka_mock_cluster_destroy": (None, [_Pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [_Pointer]),
        "rd_kafka_mock_topic_create": (integer, [_Pointer, text, integer, integer]),
        "rd_kafka_mock_partition_set_leader": (integer, [_Pointer, text, integer, integer]),
        "rd_kafka_mock_broker_set_down": (integer, [_Pointer, integer]),
        "rd_kafka_mock_broker_set_up": (integer, [_Pointer, integer]),
        "rd_kafka_mock_broker_set_rtt": (integer, [_Pointer, integer, integer]),
        "rd_kafka_mock_push_request_errors_array": (None, [_Pointer, ctypes.c_int16, size, _Pointer]),
        "rd_kafka_mock_broker_push_request_error_rtts": (integer, [_Pointer, integer, ctypes.c_int16, size]),
        "rd_kafka_mock_clear_request_errors": (None, [_Pointer, ctypes.c_int16]),
        "rd_kafka_mock_coordinator_set": (integer, [_Pointer, text, text, integer]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [_Pointer, integer]),
        "rd_kafka_mock_start_request_tracking": (None, [_Pointer]),
        "rd_kafka_mock_stop_request_tracking": (None, [_Pointer]),
        "rd_kafka_mock_get_requests": (ctypes.POINTER(_Pointer), [_Pointer, ctypes.POINTER(size)]),
        "rd_kafka_mock_request_api_key": (ctypes.c_int16, [_Pointer]),
        "rd_kafka_mock_request_destroy_array": (None, [ctypes.POINTER(_Pointer), size]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
