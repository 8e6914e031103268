"""Drives a paper run: one candle, one transaction, from new candles or from stored ones played again."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Any

from shared_models.clock import rfc3339, utc_now
from trading import commands
from trading.commands import Line, Progress
from trading.engine.job import HISTORY, REFUSED, Job, Stopped, signals_of
from trading.engine.machine import Machine, NoAnswer, Refused
from trading.models import RunStatus
from trading.queries import candles, closed_after, newest_closed, pauses_for
from trading.rules.book import Book
from trading.rules.candles import Candle, instant
from trading.rules.engine import Engine
from trading.rules.features import FeatureWindow
from trading.rules.runspec import Feed
from trading.rules.snapshot import written
from trading.rules.strategies import Strategy
from trading.rules.strategies.ml_signal import MlSignal

POLL_SECONDS = 0.5
CALENDAR_SECONDS = 2.0
AT_ONCE = 200
LONGEST_RETRY = 60.0


def run_paper(job: Job) -> None:
    """Run on paper until the feed ends or the owner stops it. Raises Stopped, LetGo, LeaseLost, CannotRun."""
    strategy = job.strategy()
    book = job.resumed(strategy)
    engine = job.engine(strategy, book)
    desk = Desk(job, engine, strategy)
    try:
        for candle in desk.feed():
            desk.live_through(candle)
    except Stopped:
        desk.close()
        raise
    desk.close()
    commands.end(lease=job.lease, status=RunStatus.COMPLETED, note="the stored candles are played out")


class Desk:
    """Steps through candles one by one, with the signal asked for before each step."""

    def __init__(self, job: Job, engine: Engine, strategy: Strategy[Any]) -> None:
        self._job, self._engine, self._strategy = job, engine, strategy
        self._total: int | None = None
        self._calendar_at = monotonic()
        self._machine: Machine | None = None
        self._window: FeatureWindow | None = None

    def feed(self) -> Iterator[Candle]:
        """The candles of this run, from where it stands."""
        job, book = self._job, self._engine.book
        if job.spec.feed is Feed.STORED:
            stored = candles(job.symbol, job.spec.timeframe, start=job.spec.start, end=job.spec.end)
            self._total = len(stored)
            if job.run.snapshot is None:
                first = stored[0].time if stored else None
                self._open(first, "stored candles, played again")
            return _replayed(job, stored, book)
        if job.run.snapshot is None:
            newest = newest_closed(job.symbol, job.spec.timeframe, now=utc_now())
            # Kept at once, so that a takeover before the first candle waits for the same one.
            book.last_time = newest.time if newest else None
            self._open(newest.time + 1 if newest else None, "candles as they come in")
        return _arriving(job, book)

    def close(self) -> None:
        """The last orders find no candle any more."""
        self._engine.finish()
        self._write()

    def _open(self, first: int | None, feed: str) -> None:
        job = self._job
        self._engine.warm_up(job.before(first, self._strategy.warmup))
        fields = {"pair": job.spec.pair, "timeframe": job.spec.timeframe.value, "feed": feed}
        self._write([Line("info", "feed.opened", fields | {"candles": str(self._total or "open end")})])

    def _write(self, lines: list[Line] | None = None) -> None:
        book = self._engine.book
        progress = Progress(book.index + 1, self._total, written(book, self._strategy), lines or [])
        commands.record(lease=self._job.lease, batch=self._engine.drain(), book=book, progress=progress)
        self._job.notify(self._job.run.pk)

    def live_through(self, candle: Candle) -> None:
        """Everything one candle brings, written in one transaction."""
        self._job.look()
        self._refresh_calendar()
        if isinstance(self._strategy, MlSignal):
            self._learn_signal(self._strategy, candle)
        self._engine.step(candle)
        self._write()

    def _refresh_calendar(self) -> None:
        if monotonic() - self._calendar_at >= CALENDAR_SECONDS:
            self._engine.pauses = pauses_for(self._job.spec.policy)
            self._calendar_at = monotonic()

    def _learn_signal(self, strategy: MlSignal, candle: Candle) -> None:
        if self._window is None:
            self._window = FeatureWindow(self._job.before(candle.time, HISTORY))
            self._machine = self._job.machine(strategy)
        row = self._window.add(candle)
        known = signals_of(strategy)
        known.forget_before(candle.time)
        if row is None:
            known.learn(candle.time, None)
            return
        wait = 1.0
        while True:
            assert self._machine is not None
            try:
                known.learn(candle.time, self._machine.ask([row])[0])
                return
            except Refused as refused:
                self._job.idle(str(refused), event=REFUSED, pause=True)
            except NoAnswer as missing:
                self._job.idle(str(missing), event="signal.retry")
                self._job.wait(missing.retry_after or wait)
                wait = min(wait * 2, LONGEST_RETRY)
            self._job.look()
            # The owner may have changed the key or paid meanwhile.
            self._job.run = commands.seen(lease=self._job.lease)
            self._machine = self._job.machine(strategy)


def _replayed(job: Job, stored: list[Candle], book: Book) -> Iterator[Candle]:
    """Stored candles after the last one seen, at the chosen pace."""
    pace = 1 / job.spec.candles_per_second
    due = monotonic()
    for candle in stored:
        if book.last_time is not None and candle.time <= book.last_time:
            continue
        due = max(due + pace, monotonic() - pace)
        job.wait(max(0.0, due - monotonic()))
        yield candle


def _arriving(job: Job, book: Book) -> Iterator[Candle]:
    """Candles as they come in, for ever; says what it waits for."""
    said = False
    while True:
        job.look()
        found = closed_after(job.symbol, job.spec.timeframe, after=book.last_time, now=utc_now(), most=AT_ONCE)
        if not found:
            if not said:
                job.idle(_waiting(job, book), event=None)
                said = True
            job.wait(POLL_SECONDS)
        for candle in found:
            said = False
            yield candle


def _waiting(job: Job, book: Book) -> str:
    after = "the first" if book.last_time is None else f"one after {rfc3339(instant(book.last_time))}"
    return f"waiting for candles of {job.spec.pair} {job.spec.timeframe}: {after}"
