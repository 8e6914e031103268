"""A few database connections on the event loop, asked in turn: a third of what a cursor and a pool cost a question.

They speak libpq directly, since at thousands of questions a second the wrapping around it is most of the work.
"""

from __future__ import annotations

import asyncio
import os
from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from psycopg import AsyncConnection, OperationalError, errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus

# The server ends a question that takes longer; a server that is gone is noticed as soon.
LONGEST_MILLISECONDS = 10_000
# The first PostgreSQL that ends transactions too.
ENDS_TRANSACTIONS = 170_000


class Links:
    """At most `most` connections, opened when needed and kept; whoever comes while all are busy waits in line."""

    def __init__(self, facts: dict[str, Any], *, most: int) -> None:
        bounds = f"-c TimeZone=UTC -c statement_timeout={LONGEST_MILLISECONDS}"
        self._facts = {**facts, "autocommit": True, "options": bounds, "tcp_user_timeout": LONGEST_MILLISECONDS}
        self._turns = asyncio.Semaphore(most)
        self._free: list[Link] = []

    async def ask(self, sql: str, params: Sequence[Any], work: Callable[[], object] | None = None) -> list[Any]:
        """The rows as named tuples. Raises psycopg's errors; OperationalError when the connection broke.

        `work` is done while the server is at it; the statement is committed after it, or never when it raises.
        """
        async with self._turns:
            link = await self._next()
            try:
                found = await (link.ask(sql, params) if work is None else link.ask_during(work, sql, params))
            except BaseException:
                # Broken off, its answer would be taken for that of the next question.
                link.close()
                raise
            self._free.append(link)
            return found

    def close(self) -> None:
        """Close those that rest; the next question opens a new one."""
        while self._free:
            self._free.pop().close()

    async def _next(self) -> Link:
        while self._free:
            link = self._free.pop()
            if not link.is_closed:
                return link
        return Link(await self._connected())

    async def _connected(self) -> AsyncConnection[Any]:
        connection = await AsyncConnection.connect(**self._facts)
        if connection.info.server_version >= ENDS_TRANSACTIONS:
            # For a process that stops, or whose machine is gone, before it has a transaction committed.
            await connection.execute(f"SET transaction_timeout = {LONGEST_MILLISECONDS}")
        return connection


class Link:
    """One connection, for one question at a time."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.is_closed = False
        self._connection = connection
        self._libpq = connection.pgconn
        self._libpq.nonblocking = 1
        self._loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[None] | None = None
        # A descriptor of our own: libpq closes its socket when the server goes, while the loop still watches it.
        self._socket = os.dup(self._libpq.socket)
        self._loop.add_reader(self._socket, self._readable)

    async def ask(self, sql: str, params: Sequence[Any]) -> list[Any]:
        """The rows of one statement, committed."""
        transformer = self._send(sql, params)
        if self._libpq.flush():
            await self._sent()
        await self._ready()
        result = self._libpq.get_result()
        if (other := self._libpq.get_result()) is not None:
            # What was answered may still fail to be committed.
            raise _error_in(other)
        return _rows_in(result, transformer)

    async def ask_during(self, work: Callable[[], object], sql: str, params: Sequence[Any]) -> list[Any]:
        """The same, with `work` done meanwhile. When it raises, end the connection: the server then rolls back.

        In libpq's pipeline what was sent is begun at once but committed only at the synchronisation point, which is
        not sent before `work` is done. Nothing is awaited in between, so that locks are held no longer than it takes.
        """
        self._libpq.enter_pipeline_mode()
        transformer = self._send(sql, params)
        self._libpq.flush()
        work()
        self._libpq.pipeline_sync()
        if self._libpq.flush():
            await self._sent()
        result = await self._next_result()
        while (other := await self._next_result()) is None or other.status != ExecStatus.PIPELINE_SYNC:
            if other is not None:
                raise _error_in(other)
        self._libpq.exit_pipeline_mode()
        return _rows_in(result, transformer)

    def _send(self, sql: str, params: Sequence[Any]) -> Any:
        """Ask, without waiting; what reads the answer."""
        transformer = Transformer(self._connection)
        values = transformer.dump_sequence(params, [PyFormat.AUTO] * len(params))
        self._libpq.send_query_params(_numbered(sql), values, transformer.types, transformer.formats)
        return transformer

    async def _sent(self) -> None:
        """Until a question longer than the socket's buffer is on its way."""
        while self._libpq.flush():  # noqa: ASYNC110 - libpq has no event to wait for
            await asyncio.sleep(0)

    def _ready(self) -> asyncio.Future[None]:
        self._answered = self._loop.create_future()
        return self._answered

    async def _next_result(self) -> Any:
        if self._libpq.is_busy():
            await self._ready()
        return self._libpq.get_result()

    def close(self) -> None:
        """End the connection."""
        if not self.is_closed:
            self.is_closed = True
            self._loop.remove_reader(self._socket)
            os.close(self._socket)
            self._libpq.finish()

    def _readable(self) -> None:
        try:
            self._libpq.consume_input()
        except OperationalError as error:
            # Also when it rests: a connection that the server ended is not used again.
            self.close()
            if self._answered is not None and not self._answered.done():
                self._answered.set_exception(error)
            return
        if self._answered is not None and not self._answered.done() and not self._libpq.is_busy():
            self._answered.set_result(None)


def _rows_in(result: Any, transformer: Any) -> list[Any]:
    if result is None or result.status != ExecStatus.TUPLES_OK:
        raise _error_in(result)
    transformer.set_pgresult(result)
    names = tuple((result.fname(place) or b"").decode() for place in range(result.nfields))
    found: list[Any] = transformer.load_rows(0, result.ntuples, row_of(names)._make)
    return found


def _error_in(result: Any) -> Exception:
    if result is None:
        return OperationalError("the server closed the connection")
    state = (result.error_field(67) or b"").decode()  # PG_DIAG_SQLSTATE
    said = result.error_message.decode("utf-8", "replace").strip()
    try:
        return errors.lookup(state)(said)
    except KeyError:
        return OperationalError(said)


@cache
def _numbered(sql: str) -> bytes:
    """The question as libpq takes it: `$1`, `$2` for each `%s`."""
    first, *others = sql.split("%s")
    return (first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))).encode()


@cache
def row_of(names: tuple[str, ...]) -> Any:
    """The named tuple for rows with these columns."""
    return namedtuple("Row", names, rename=True)
