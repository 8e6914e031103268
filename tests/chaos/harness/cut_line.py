"""A line to PostgreSQL that breaks at a commit: just before the server hears it, or just after it has done it.

The second is the nasty one: the work is committed and the client is told nothing but that the connection is gone.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

BEFORE, AFTER = "before", "after"


class CutLine:
    """Passes bytes between clients and the server; `plan` says what happens to each statement that commits."""

    def __init__(self, server: tuple[str, int], plan: Sequence[str | None], commits: bytes) -> None:
        self._server = server
        self._plan = iter(plan)
        self._commits = commits
        self._lock = threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self.cuts: list[str] = []
        """What was cut so far, in order."""

    def serve(self) -> None:
        """Take connections until closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                threading.Thread(target=_Call(self, client).run, args=[self._server], daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those that are open stay."""
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def verdict(self, statement: bytes) -> str | None:
        """What shall happen to the statement that is passing now."""
        with self._lock:
            return next(self._plan, None) if self._commits in statement else None


class _Call:
    """One client's connection."""

    def __init__(self, line: CutLine, client: socket.socket) -> None:
        self._line = line
        self._client = client
        self._server = socket.socket()
        self._deaf = False

    def run(self, server: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):
            self._server.connect(server)
            for end in (self._client, self._server):
                # A question's messages go on one by one: each would be held back 40 ms for the one before it.
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._answers, daemon=True).start()
            self._greeting()
            while kind := _exactly(self._client, 1):
                self._question(kind)
        self._hang_up()

    def _greeting(self) -> None:
        """Messages before the session starts have no type: a request for TLS, which gets its no, then the start."""
        while True:
            size = _exactly(self._client, 4)
            body = _exactly(self._client, struct.unpack("!i", size)[0] - 4)
            self._server.sendall(size + body)
            if struct.unpack("!i", body[:4])[0] >> 16 == 3:  # protocol 3.x: the session starts
                return

    def _question(self, kind: bytes) -> None:
        size = _exactly(self._client, 4)
        body = _exactly(self._client, struct.unpack("!i", size)[0] - 4)
        what = self._line.verdict(body) if kind in b"QP" else None
        if what == BEFORE:
            self._line.cuts.append(what)
            raise ConnectionAbortedError
        if what == AFTER:
            self._deaf = True
            self._line.cuts.append(what)
        self._server.sendall(kind + size + body)

    def _answers(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._server.recv(65_536):
                if self._deaf:
                    break  # the server answers only when it has committed
                self._client.sendall(data)
        self._hang_up()

    def _hang_up(self) -> None:
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def cut_line(url: str, plan: Sequence[str | None], *, commits: bytes = b"COMMIT") -> Iterator[tuple[CutLine, str]]:
    """A line to the database at `url` and the URL by which clients reach it.

    `commits` is in the statements that commit: what runs in autocommit never says COMMIT.
    """
    there = urlsplit(url)
    line = CutLine((there.hostname or "127.0.0.1", there.port or 5432), plan, commits)
    threading.Thread(target=line.serve, daemon=True).start()
    user = f"{there.username}:{there.password}"
    try:
        yield line, urlunsplit(there._replace(netloc=f"{user}@127.0.0.1:{line.port}"))
    finally:
        line.close()


def _exactly(line: socket.socket, count: int) -> bytes:
    """So many bytes; fewer raise ConnectionResetError."""
    got = b""
    while len(got) < count:
        part = line.recv(count - len(got))
        if not part:
            raise ConnectionResetError
        got += part
    return got
