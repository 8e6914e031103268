"""The gate before the embedded broker: `python -m titan.embedded.kafka_gate HOME PORT`.

It gives the broker of the wheel two things that clients expect of Kafka. A fetch waits for records instead of
returning at once (five idle consumers would keep a whole core busy asking), and what was acknowledged survives
kill -9 at the same offsets. The broker itself listens on a port of its own, known to nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
import sys
from pathlib import Path

from titan.embedded import kafka_wire as wire
from titan.embedded.kafka_journal import Appended, Journal, topics_made
from titan.embedded.server import answers, free_port
from titan.process import LAUNCHER

HOST = "127.0.0.1"
START_SECONDS = 30.0
ADDRESSES_IN = (wire.METADATA, wire.FIND_COORDINATOR, wire.DESCRIBE_CLUSTER)


class Gate:
    """Passes frames between clients and the broker at `inner`, as if the broker listened at `outer`."""

    def __init__(self, journal: Journal, *, inner: int, outer: int) -> None:
        self._journal = journal
        self._inner = inner
        self._own_address = HOST.encode() + struct.pack("!i", outer)
        self._its_address = HOST.encode() + struct.pack("!i", inner)
        self._news = asyncio.Event()
        # Batches enter the journal in the order in which the broker put them into its log.
        self._appending = asyncio.Lock()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one client's requests on, one after the other, until it goes."""
        broker = Broker(*await asyncio.open_connection(HOST, self._inner))
        coming = asyncio.create_task(wire.read_frame(reader))
        try:
            while frame := await coming:
                coming = asyncio.create_task(wire.read_frame(reader))
                answer = await self._answer(broker, wire.request_of(frame), coming)
                if answer is not None:
                    wire.write_frame(writer, answer)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            coming.cancel()
            broker.close()
            writer.close()

    async def _answer(self, broker: Broker, request: wire.Request, coming: asyncio.Task[bytes]) -> bytes | None:
        if request.is_fetch():
            return await self._fetch(broker, request, coming)
        if request.api == wire.PRODUCE:
            return await self._produce(broker, request)
        answer = await broker.ask(request.frame)
        if request.api in (wire.CREATE_TOPICS, wire.CREATE_PARTITIONS):
            self._journal.write(topics_made(request.frame))
            self._journal.flush()
        if request.api in ADDRESSES_IN:
            return answer.replace(self._its_address, self._own_address)
        return answer

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


async def restore(journal: Journal, port: int) -> int:
    """Append again what was acknowledged but not saved; the number of batches."""
    broker = Broker(*await asyncio.open_connection(HOST, port))
    ends, restored, newest_producer = dict[tuple[str, int], int](), 0, -1
    for entry in journal.entries():
        if not entry.topic:
            await broker.ask(entry.batch)  # topics that exist are refused, which is right
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
    gate = Gate(journal, inner=inner, outer=outer)
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
