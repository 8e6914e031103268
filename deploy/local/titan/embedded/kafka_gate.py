"""The gate before the embedded broker: `python -m titan.embedded.kafka_gate HOME PORT`.

It gives the broker of the wheel what clients expect of Kafka. A fetch waits for records instead of returning at once
(five idle consumers would keep a whole core busy asking); what was acknowledged survives kill -9 at the same offsets;
a member that died or fell silent leaves its group (the others would wait for it for ever); a misspelt topic is an error
and no new topic; each data directory is a cluster with an id of its own, by which consumers know that offsets of
an earlier one mean nothing here. The broker itself listens on a port of its own, known to nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from titan.embedded import kafka_wire as wire
from titan.embedded.kafka_generations import told_kindly
from titan.embedded.kafka_journal import Appended, Journal, topics_changed
from titan.embedded.kafka_members import JOIN_GROUP, Members
from titan.embedded.server import answers, free_port
from titan.process import LAUNCHER

HOST = "127.0.0.1"
START_SECONDS = 30.0
CHANGES_OF_TOPICS = (wire.CREATE_TOPICS, wire.CREATE_PARTITIONS, wire.DELETE_TOPICS)
ADDRESSES_IN = (wire.METADATA, wire.FIND_COORDINATOR, wire.DESCRIBE_CLUSTER)


class Gate:
    """Passes frames between clients and the broker at `inner`, as if the broker listened at `outer`."""

    def __init__(self, journal: Journal, cluster: Cluster, *, inner: int, outer: int) -> None:
        self._journal = journal
        self._cluster = cluster
        self._inner = inner
        self._own_address = HOST.encode() + struct.pack("!i", outer)
        self._its_address = HOST.encode() + struct.pack("!i", inner)
        self._news = asyncio.Event()
        # Batches enter the journal in the order in which the broker put them into its log.
        self._appending = asyncio.Lock()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one client's requests on, one after the other, until it goes."""
        broker = Broker(*await asyncio.open_connection(HOST, self._inner))
        members = Members()
        coming = asyncio.create_task(wire.read_frame(reader))
        try:
            while frame := await self._heard(coming, members):
                coming = asyncio.create_task(wire.read_frame(reader))
                request = wire.request_of(frame)
                members.hear(request)
                await self._take_out(members.given_up())
                answer = await self._answer(broker, request, coming)
                if answer is not None:
                    members.learn(request, answer)
                    wire.write_frame(writer, answer)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            coming.cancel()
            broker.close()
            writer.close()
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):  # a broker that is gone knows no members
                await self._take_out(members.leaving())

    async def _heard(self, coming: asyncio.Task[bytes], members: Members) -> bytes:
        """What the client says next; whoever of its members is silent for too long leaves."""
        done, _ = await asyncio.wait({coming}, timeout=members.silence)
        if not done:
            await self._take_out(members.leaving())
        return await coming

    async def _take_out(self, frames: list[bytes]) -> None:
        if frames:
            broker = Broker(*await asyncio.open_connection(HOST, self._inner))
            for frame in frames:
                await broker.ask(frame)
            broker.close()

    async def _answer(self, broker: Broker, request: wire.Request, coming: asyncio.Task[bytes]) -> bytes | None:
        if request.is_fetch():
            return await self._fetch(broker, request, coming)
        if request.api == wire.PRODUCE:
            return await self._produce(broker, request)
        if request.api == JOIN_GROUP:
            return await self._join(broker, request, coming)
        if request.api in CHANGES_OF_TOPICS:
            return await self._change_topics(broker, request)
        if request.api in ADDRESSES_IN:
            asked = request.without_new_topics() if request.api == wire.METADATA else request.frame
            answer = (await broker.ask(asked)).replace(self._its_address, self._own_address)
            return answer.replace(self._cluster.its_id, self._cluster.own_id)
        return told_kindly(request, await broker.ask(request.frame))

    async def _change_topics(self, broker: Broker, request: wire.Request) -> bytes:
        async with self._appending:
            answer = await broker.ask(request.frame)
            self._journal.write(topics_changed(request.frame))
            self._journal.flush()
        return answer

    async def _join(self, broker: Broker, request: wire.Request, coming: asyncio.Task[bytes]) -> bytes:
        """The answer comes when every member has joined; a client that goes before that must not be waited for."""
        asked = asyncio.create_task(broker.ask(request.frame))
        try:
            await asyncio.wait({asked, coming}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done() and not await coming:
                raise ConnectionResetError("the client is gone")
            return await asked
        finally:
            asked.cancel()

    async def _fetch(self, broker: Broker, request: wire.Request, coming: asyncio.Task[bytes]) -> bytes:
        """Ask again at each produce, until there are records, time is up or the client has more to say."""
        until = asyncio.get_running_loop().time() + request.fetch_wait()
        while True:
            news = self._news  # taken before asking: what is produced in between wakes us too
            answer = await broker.ask(request.frame)
            left = until - asyncio.get_running_loop().time()
            if left <= 0 or coming.done() or wire.has_records(request.version, answer):
                return answer
            woken = asyncio.create_task(news.wait())
            await asyncio.wait({woken, coming}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            woken.cancel()

    async def _produce(self, broker: Broker, request: wire.Request) -> bytes | None:
        async with self._appending:
            if not request.wants_answer:
                broker.tell(request.frame)
                answer = None
            else:
                answer = await broker.ask(request.frame)
                self._remember(request, answer)
        news, self._news = self._news, asyncio.Event()
        news.set()
        return answer

    def _remember(self, request: wire.Request, answer: bytes) -> None:
        if not request.is_produce():
            return
        batches = request.batches()
        for (topic, partition), offset in wire.appended_at(request.version, answer).items():
            self._journal.write(Appended(topic, partition, offset, batches[topic, partition]))
        self._journal.flush()


class Broker:
    """A connection to the broker itself, used for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, frame: bytes) -> bytes:
        """The broker's answer. Raises ConnectionError when it is gone."""
        self.tell(frame)
        await self._writer.drain()
        answer = await wire.read_frame(self._reader)
        if not answer:
            raise ConnectionResetError("the broker closed the connection")
        return answer

    def tell(self, frame: bytes) -> None:
        """Send what gets no answer."""
        wire.write_frame(self._writer, frame)

    def close(self) -> None:
        self._writer.close()


@dataclass(frozen=True, slots=True)
class Cluster:
    """The id that every broker of the wheel has, and the one that we give it."""

    its_id: bytes
    own_id: bytes


async def cluster(home: Path, port: int) -> Cluster:
    """The ids of the broker at `port`; ours is made with the data directory, and as long as its own."""
    broker = Broker(*await asyncio.open_connection(HOST, port))
    its_id = wire.cluster_of(await broker.ask(wire.metadata()))
    broker.close()
    note = home / "cluster.id"
    own_id = note.read_bytes() if note.exists() else b""
    if len(own_id) != len(its_id):
        own_id = secrets.token_urlsafe(len(its_id)).encode()[: len(its_id)]
        note.write_bytes(own_id)
    return Cluster(its_id, own_id)


async def restore(journal: Journal, port: int) -> int:
    """Change and append again what was acknowledged but not saved; the number of batches."""
    broker = Broker(*await asyncio.open_connection(HOST, port))
    ends, restored, newest_producer = dict[tuple[str, int], int](), 0, -1
    for entry in journal.entries():
        if not entry.topic:
            # Making a topic that exists is refused, which is right; what came after a removal is in the journal too.
            await broker.ask(entry.batch)
            ends.clear()
            continue
        place = entry.topic, entry.partition
        if place not in ends:
            ends[place] = wire.offset_of(await broker.ask(wire.list_offsets(*place)))
        newest_producer = max(newest_producer, wire.producer_of(entry.batch))
        if entry.offset >= ends[place]:
            await broker.ask(wire.produce(*place, entry.batch))
            restored += 1
    await _pass_by(broker, newest_producer)
    broker.close()
    return restored


async def _pass_by(broker: Broker, producer: int) -> None:
    # The broker may have forgotten ids that it gave away. Two producers under one would be taken for one that repeats
    # itself, and the second one's batches dropped.
    while producer >= 0 and wire.producer_id_of(await broker.ask(wire.init_producer_id())) <= producer:
        continue


async def run(home: Path, port: int, command: list[str]) -> int:
    """Run broker and gate until told to stop or until the broker dies; its exit code."""
    inner = free_port()
    broker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(LAUNCHER), "--parent", str(os.getpid()), "--signal", str(int(signal.SIGINT))),
        *("--", *command, "--kafka-port", str(inner)),
        start_new_session=True,
    )
    died = asyncio.create_task(broker.wait())
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await _open(home, inner, port, died, stop)
    finally:
        if not died.done():
            broker.send_signal(signal.SIGINT)  # it saves its log and goes
        code = await died
    return code


async def _open(home: Path, inner: int, outer: int, died: asyncio.Task[int], stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + START_SECONDS
    while not await asyncio.to_thread(answers, HOST, inner):
        if died.done() or stop.is_set() or loop.time() > deadline:
            return
        await asyncio.sleep(0.02)
    journal = Journal(home)
    if restored := await restore(journal, inner):
        sys.stdout.write(f"restored {restored} acknowledged batches that were not saved\n")
    gate = Gate(journal, await cluster(home, inner), inner=inner, outer=outer)
    async with await asyncio.start_server(gate.serve, HOST, outer):
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({stopping, died}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()


def main(arguments: list[str]) -> int:
    """`HOME PORT COMMAND…`: COMMAND runs the broker when its port is added."""
    home, port, *command = arguments
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(run(Path(home), int(port), command))
    return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
