"""Who works on a run: one engine at a time, and a dead one's runs move on."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest

from shared_models.clock import utc_now
from trading import commands
from trading.commands import LeaseLost
from trading.commands.leases import BEAT_SECONDS, LEASE_SECONDS
from trading.engine.driver import drive as drive_lease
from trading.engine.pool import CLAIM_SECONDS
from trading.models import BotRun, EquityPoint, Fill, Order
from trading.rules.book import Book
from trading.rules.engine import Batch

pytestmark = pytest.mark.django_db(databases=["default", "timeseries"])


@pytest.fixture
def run(bot, ada):
    return commands.start_run(user_id=ada.pk, bot_id=bot().pk, mode="paper", candles_per_second=1000)


def expire(run: BotRun) -> None:
    """The engine that held it has not beaten for longer than a lease lasts."""
    BotRun.objects.filter(pk=run.pk).update(lease_until=utc_now() - timedelta(seconds=1))


def fills_of(run: BotRun) -> list[tuple[object, ...]]:
    rows = Fill.objects.filter(run=run).order_by("filled_at")
    return list(rows.values_list("candle_index", "side", "price", "quantity", "fee", "profit"))


class StopsAfter(threading.Event):
    """Lets go after so many candles, as an engine does that is asked to stop."""

    def __init__(self, candles: int) -> None:
        super().__init__()
        self.left = candles

    def told(self, run_id: UUID) -> None:
        self.left -= 1
        if self.left <= 0:
            self.set()


def test_a_dead_engines_runs_can_move_within_ten_seconds():
    assert LEASE_SECONDS + CLAIM_SECONDS < 10
    assert BEAT_SECONDS * 3 < LEASE_SECONDS


def test_a_run_is_held_by_one_engine_until_its_lease_runs_out(run):
    (first,) = commands.claim(owner="one", limit=5)
    assert commands.claim(owner="two", limit=5) == []
    expire(run)
    (second,) = commands.claim(owner="two", limit=5)
    assert (second.run_id, second.token) == (run.pk, first.token + 1)


def test_beats_keep_a_lease_and_the_loser_learns_that_it_lost(run):
    (lease,) = commands.claim(owner="one", limit=5)
    assert commands.renew(owner="one", leases=[lease]) == {run.pk}
    expire(run)
    commands.claim(owner="two", limit=5)
    assert commands.renew(owner="one", leases=[lease]) == set()


def test_the_slower_twin_writes_nothing(run):
    (old,) = commands.claim(owner="one", limit=5)
    expire(run)
    commands.claim(owner="two", limit=5)
    for write in (
        lambda: commands.begin(lease=old),
        lambda: commands.record(lease=old, batch=Batch(), book=Book(cash=run.bot.starting_cash), progress=_progress()),
        lambda: commands.idle(lease=old, reason="x"),
        lambda: commands.end(lease=old, status="completed"),
    ):
        with pytest.raises(LeaseLost):
            write()
    run.refresh_from_db()
    assert (run.status, run.log_offset) == ("starting", 0)


def test_without_the_fence_the_slower_twin_would_write(run):
    """The control of the test above: the same write under the newest token goes through."""
    commands.claim(owner="one", limit=5)
    expire(run)
    (newest,) = commands.claim(owner="two", limit=5)
    commands.begin(lease=newest)
    run.refresh_from_db()
    assert run.status == "running"


def test_a_paper_run_taken_over_in_the_middle_ends_like_one_that_was_not(bot, ada, drive):
    settings = {"mode": "paper", "candles_per_second": 1000}
    whole = commands.start_run(user_id=ada.pk, bot_id=bot(name="whole").pk, **settings)
    drive()
    symbol = whole.bot.symbol
    moved = commands.start_run(user_id=ada.pk, bot_id=bot(name="moved", symbol=symbol).pk, **settings)
    for candles in (30, 50, 10**9):
        (lease,) = commands.claim(owner=f"engine {candles}", limit=5)
        cancel = StopsAfter(candles)
        drive_lease(lease, cancel=cancel, notify=cancel.told)
        commands.release(lease=lease)
    moved.refresh_from_db()
    whole.refresh_from_db()
    assert moved.status == "completed"
    assert fills_of(moved) == fills_of(whole) != []
    assert (moved.profit_loss, moved.trades_executed) == (whole.profit_loss, whole.trades_executed)
    assert EquityPoint.objects.filter(run_id=moved.pk).count() == 150


def test_a_backtest_taken_over_is_done_anew_and_leaves_nothing_twice(bot, ada, drive, monkeypatch):
    monkeypatch.setattr("trading.engine.backtest.CHUNK", 50)
    run = commands.start_run(user_id=ada.pk, bot_id=bot().pk, mode="backtest")
    (lease,) = commands.claim(owner="one", limit=5)
    cancel = StopsAfter(3)
    drive_lease(lease, cancel=cancel, notify=cancel.told)
    half = Order.objects.filter(run=run).count()
    expire(run)
    drive()
    run.refresh_from_db()
    assert run.status == "completed"
    assert 0 < half < Order.objects.filter(run=run).count()
    assert run.report["fills"] == run.trades_executed == len(fills_of(run))
    assert EquityPoint.objects.filter(run_id=run.pk).count() == 150


def test_a_step_that_could_not_be_written_leaves_no_trace_and_is_done_again(run, drive, monkeypatch):
    from django.db import DatabaseError

    from trading.commands import steps

    original, calls = steps._write_position, []

    def fails_once(*args: object) -> None:
        calls.append(args)
        if len(calls) == 20:
            raise DatabaseError("the database went away")
        original(*args)

    monkeypatch.setattr(steps, "_write_position", fails_once)
    monkeypatch.setattr(threading.Event, "wait", lambda self, timeout=None: self.is_set())
    drive()
    run.refresh_from_db()
    assert run.status == "running"
    drive()
    run.refresh_from_db()
    assert run.status == "completed"
    from trading.models import BotRunLog

    offsets = list(BotRunLog.objects.filter(run_id=run.pk).order_by("offset").values_list("offset", flat=True))
    assert offsets == list(range(run.log_offset))


def test_a_paused_run_lets_no_candle_pass_and_a_resumed_one_goes_on(run, ada, drive):
    commands.pause_run(run_id=run.pk, user_id=ada.pk)
    (lease,) = commands.claim(owner="one", limit=5)
    cancel = threading.Event()
    timer = threading.Timer(0.3, cancel.set)
    timer.start()
    drive_lease(lease, cancel=cancel, notify=lambda run_id: None)
    commands.release(lease=lease)
    run.refresh_from_db()
    assert (run.candles_done, run.is_paused) == (0, True)
    commands.resume_run(run_id=run.pk, user_id=ada.pk)
    drive()
    run.refresh_from_db()
    assert (run.status, run.candles_done) == ("completed", 150)


def _progress() -> commands.Progress:
    return commands.Progress(1)
