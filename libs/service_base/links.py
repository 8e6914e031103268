"""A few database connections on the event loop, asked in turn: a third of what a cursor and a pool cost a question.

They speak libpq directly, since at thousands of questions a second the wrapping around it is most of the work.
"""

from __future__ import annotations

import asyncio
import os
from collections import namedtuple
from collections.abc import Sequence
from functools import cache
from typing import Any

from psycopg import AsyncConnection, OperationalError, errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus

# The server ends a question that takes longer; a server that is gone is noticed as soon.
LONGEST_MILLISECONDS = 10_000


class Links:
    """At most `most` connections, opened when needed and kept; whoever comes while all are busy waits in line."""

    def __init__(self, facts: dict[str, Any], *, most: int) -> None:
        bounds = f"-c TimeZone=UTC -c statement_timeout={LONGEST_MILLISECONDS}"
        self._facts = {**facts, "autocommit": True, "options": bounds, "tcp_user_timeout": LONGEST_MILLISECONDS}
        self._turns = asyncio.Semaphore(most)
        self._free: list[Link] = []

    async def ask(self, sql: str, params: Sequence[Any]) -> list[Any]:
        """The rows as named tuples. Raises psycopg's errors; OperationalError when the connection broke."""
        async with self._turns:
            link = await self._next()
            try:
                found = await link.ask(sql, params)
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
        return Link(await AsyncConnection.connect(**self._facts))


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
        """The rows of one SELECT."""
        transformer = Transformer(self._connection)
        values = transformer.dump_sequence(params, [PyFormat.AUTO] * len(params))
        self._libpq.send_query_params(_numbered(sql), values, transformer.types, transformer.formats)
        while self._libpq.flush():  # noqa: ASYNC110 - only a question longer than the socket's buffer gets here
            await asyncio.sleep(0)
        self._answered = self._loop.create_future()
        await self._answered
        self._answered = None
        result = self._libpq.get_result()
        while self._libpq.get_result() is not None:
            pass
        if result is None or result.status != ExecStatus.TUPLES_OK:
            raise _error_in(result)
        transformer.set_pgresult(result)
        names = tuple((result.fname(place) or b"").decode() for place in range(result.nfields))
        return transformer.load_rows(0, result.ntuples, row_of(names)._make)

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
