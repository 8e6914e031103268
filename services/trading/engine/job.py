"""What a driver has in hand: the run under its lease, its frozen settings, and the engine built from them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from trading import commands, vault
from trading.commands import Lease, Line
from trading.engine.machine import Machine
from trading.models import BotRun, BotRunLog, RunStatus, Symbol
from trading.queries import candles, machine_for, pauses_for, symbol_for
from trading.rules.book import Book
from trading.rules.candles import Candle, instant
from trading.rules.engine import Engine
from trading.rules.features import WINDOW
from trading.rules.runspec import RunSpec
from trading.rules.snapshot import recalled
from trading.rules.strategies import Strategy, build, strategy_named
from trading.rules.strategies.ml_signal import KnownSignals, MlSignal

LOOK_SECONDS = 0.5
REFUSED = "signal.refused"


class CannotRun(Exception):
    """The run cannot go on, for a reason that its owner can understand."""


class Stopped(Exception):
    """The owner asked for the end of the run."""


class LetGo(Exception):
    """This engine must leave the run to another."""


@dataclass(slots=True)
class Job:
    """One run under one lease."""

    lease: Lease
    run: BotRun
    spec: RunSpec
    symbol: Symbol
    cancel: threading.Event
    notify: Callable[[UUID], None]

    @classmethod
    def taken(cls, lease: Lease, *, cancel: threading.Event, notify: Callable[[UUID], None]) -> Job:
        """Begin the run under `lease`. Raises LeaseLost."""
        run = commands.begin(lease=lease)
        spec = RunSpec.model_validate(run.run_parameters)
        notify(run.pk)
        return cls(lease, run, spec, symbol_for(run.user_id, spec.symbol_id), cancel, notify)

    def engine(self, strategy: Strategy[Any], book: Book) -> Engine:
        """The engine of this run, at `book`."""
        return Engine(
            run_id=self.run.pk,
            strategy=strategy,
            timeframe=self.spec.timeframe,
            book=book,
            instrument=self.spec.instrument,
            costs=self.spec.costs,
            limits=self.spec.limits,
            pauses=pauses_for(self.spec.policy),
        )

    def strategy(self) -> Strategy[Any]:
        """A fresh strategy with the run's parameters."""
        return build(strategy_named(self.spec.strategy), self.spec.parameters)

    def resumed(self, strategy: Strategy[Any]) -> Book:
        """Where the run stood after its last step, or at its beginning."""
        if self.run.snapshot is None:
            return Book(cash=self.spec.cash)
        return recalled(self.run.snapshot, strategy)

    def before(self, candle_time: int | None, count: int) -> list[Candle]:
        """The last `count` stored candles that opened before `candle_time`."""
        if count == 0 or candle_time is None:
            return []
        return candles(self.symbol, self.spec.timeframe, end=instant(candle_time), limit=count, newest=True)

    def machine(self, strategy: MlSignal) -> Machine:
        """The machine this run asks, with the owner's TITAN key. Raises CannotRun when the key is gone."""
        key = self.run.bot.exchange_key
        if key is None:
            raise CannotRun("the bot's TITAN key was deleted; give the bot another")
        known = machine_for(self.run.user_id, strategy.parameters.machine_id)
        return Machine(
            run_id=self.run.pk,
            machine_id=str(known.pk),
            columns=known.input_columns,
            output=strategy.parameters.output,
            api_key=vault.take(key)["api_key"],
            refusals=BotRunLog.objects.filter(run_id=self.run.pk, event=REFUSED).count(),
        )

    def look(self) -> BotRun:
        """See what the owner wants; returns once the run may go on. Raises Stopped, LetGo, LeaseLost."""
        while True:
            if self.cancel.is_set():
                raise LetGo
            run = commands.seen(lease=self.lease)
            if run.status == RunStatus.STOPPING:
                raise Stopped
            if not run.is_paused:
                return run
            self.cancel.wait(LOOK_SECONDS)

    def wait(self, seconds: float) -> None:
        """Let time pass. Raises LetGo when the run is to be left."""
        if self.cancel.wait(seconds):
            raise LetGo

    def idle(self, reason: str, *, event: str | None = None, pause: bool = False) -> None:
        """Say why nothing happens."""
        line = Line("warning", event, {"reason": reason}) if event else None
        commands.idle(lease=self.lease, reason=reason, line=line, pause=pause)
        self.notify(self.run.pk)


def signals_of(strategy: MlSignal) -> KnownSignals:
    """The answers the strategy looks at."""
    assert isinstance(strategy.signals, KnownSignals)
    return strategy.signals


HISTORY = WINDOW - 1
