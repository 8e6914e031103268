"""A few long-lived threads for synchronous work, lent to one request at a time; each keeps its database connections."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import Any

from django.db import InterfaceError, OperationalError, connections

# A connection that rested longer than this is tried before it is used: the server may have gone meanwhile.
RESTED_SECONDS = 1.0


class Lent:
    """One of the threads, and what is known of its database connections."""

    def __init__(self, threads: Threads, name: str) -> None:
        self.executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._threads = threads
        self._used_at = monotonic()

    def submit(self, future: Future[Any], work: Callable[[], Any], *, first: bool = False) -> None:
        """Run `work` on the thread; with `first` it is the first of its request."""
        self.executor.submit(_run, future, partial(self._do, work, first))

    def _do(self, work: Callable[[], Any], first: bool) -> Any:
        if first:
            self._let_go()
        try:
            return work()
        except (InterfaceError, OperationalError):
            # Where one connection broke the others may have: each thread tries its own before its next work.
            self._threads.broken_at = monotonic()
            raise

    def _let_go(self) -> None:
        """Of connections that broke, aged or rested."""
        now = monotonic()
        rested = now - self._used_at > RESTED_SECONDS or self._used_at < self._threads.broken_at
        for connection in connections.all(initialized_only=True):
            if connection.errors_occurred or rested:
                # Closes it when it is too old or unusable; else has it tried at its next use.
                connection.close_if_unusable_or_obsolete()
        self._used_at = now


class Threads:
    """The threads of a process, lent in the order of asking: whoever comes while all are out waits for the next.

    For one event loop only, so nothing here needs a lock.
    """

    def __init__(self, count: int) -> None:
        self.broken_at = 0.0
        self._free = [Lent(self, f"titan-{number}") for number in range(count)]
        self._waiting: deque[Loan] = deque()

    def take(self, loan: Loan) -> Lent | None:
        """The thread used last, whose connection is warmest; with none free, `loan.begin` is called later."""
        if self._free:
            return self._free.pop()
        self._waiting.append(loan)
        return None

    def give_back(self, lent: Lent) -> None:
        """Take a thread back, or hand it on to whoever has waited longest."""
        if self._waiting:
            self._waiting.popleft().begin(lent)
        else:
            self._free.append(lent)

    def forget(self, loan: Loan) -> None:
        """Whoever waits no more."""
        self._waiting.remove(loan)


class Loan(Executor):
    """One request's thread: borrowed at its first synchronous call, the same until it ends, then given back.

    A request that needs none, as most reads do, keeps none from others.
    """

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._lent: Lent | None = None
        self._own: ThreadPoolExecutor | None = None
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] | None = None
        self._last: Future[Any] | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `fn` on the thread, after what was submitted before it."""
        future: Future[Any] = Future()
        work = partial(fn, *args, **kwargs)
        self._last = future
        if self._own is not None:
            self._own.submit(_run, future, work)
        elif self._lent is not None:
            self._lent.submit(future, work)
        elif self._waiting is not None:
            self._waiting.append((future, work))
        else:
            self._waiting = [(future, work)]
            if lent := self._threads.take(self):
                self.begin(lent)
        return future

    def begin(self, lent: Lent) -> None:
        """Start what waits, on the thread that has come free."""
        self._lent = lent
        for number, (future, work) in enumerate(self._waiting or ()):
            lent.submit(future, work, first=number == 0)
        self._waiting = None

    def keep(self) -> None:
        """Go on with a thread of its own: an answer that streams for minutes keeps none from others."""
        self._return()
        self._own = ThreadPoolExecutor(max_workers=1, thread_name_prefix="titan-stream")

    def pause(self) -> None:
        """Give the thread back until the next call: what comes in may take its time."""
        self._return()

    def end(self) -> None:
        """The request is over; its thread is free as soon as what runs on it has ended."""
        self._return()
        if self._own is not None:
            self._own.submit(connections.close_all)
            self._own.shutdown(wait=False)

    def _return(self) -> None:
        lent, self._lent = self._lent, None
        if self._waiting is not None:
            self._threads.forget(self)
        if lent is None or self._last is None:
            return
        if self._last.done() and not self._last.cancelled():
            self._threads.give_back(lent)
        else:
            # The client went while its work was running: a thread cannot be stopped, so it is waited for.
            loop = asyncio.get_running_loop()
            lent.executor.submit(loop.call_soon_threadsafe, self._threads.give_back, lent)


def _run(future: Future[Any], work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
