"""Drives one run from where it stands to its end, or until the lease or the process goes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import UUID

import structlog
from django.db import DatabaseError

from service_base.errors import Refusal
from trading import commands
from trading.commands import Lease, LeaseLost
from trading.engine.backtest import run_backtest
from trading.engine.job import CannotRun, Job, LetGo, Stopped
from trading.engine.paper import run_paper
from trading.envelope import EnvelopeError
from trading.models import RunStatus
from trading.rules.strategies import InvalidParameters

log = structlog.get_logger("titan.engine")


def drive(lease: Lease, *, cancel: threading.Event, notify: Callable[[UUID], None]) -> None:
    """Work on the run of `lease`. Whatever happens, it is left in a state that another engine can continue from."""
    bound = log.bind(run=str(lease.run_id), lease=lease.token)
    try:
        job = Job.taken(lease, cancel=cancel, notify=notify)
        _to_its_end(job)
        notify(lease.run_id)
    except (LeaseLost, LetGo):
        bound.info("run.let_go")
    except DatabaseError as error:
        # The engine in memory may be ahead of what was written: forget it; the next lease starts from the rows.
        bound.warning("run.database_unavailable", error=str(error))
        cancel.wait(1)
    except Exception as error:  # a run's own fault must not end the runs beside it
        bound.error("run.broke", exc_info=error)
        _fail(lease, f"unexpected error: {type(error).__name__}: {error}")
        notify(lease.run_id)


def _to_its_end(job: Job) -> None:
    is_backtest = job.spec.mode == "backtest"
    try:
        if is_backtest:
            run_backtest(job)
        else:
            run_paper(job)
    except Stopped:
        # A paper run that was going well has no other end than being stopped.
        status = RunStatus.CANCELLED if is_backtest else RunStatus.COMPLETED
        commands.end(lease=job.lease, status=status, note="stopped by its owner")
    except (CannotRun, EnvelopeError, InvalidParameters) as error:
        _fail(job.lease, str(error))
    except Refusal as refusal:
        _fail(job.lease, refusal.detail)


def _fail(lease: Lease, error: str) -> None:
    try:
        commands.end(lease=lease, status=RunStatus.FAILED, error=error)
    except (LeaseLost, DatabaseError) as failure:
        log.warning("run.not_marked_failed", run=str(lease.run_id), error=str(failure))
