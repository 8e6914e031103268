"""Log lines by offset. Only lines that the run itself has counted are shown; others belong to a step that failed."""

from __future__ import annotations

from trading.models import BotRun, BotRunLog


def lines_after(run: BotRun, offset: int, *, limit: int) -> list[BotRunLog]:
    """Up to `limit` lines that follow `offset`, oldest first; -1 starts at the first line."""
    rows = BotRunLog.objects.filter(run_id=run.pk, offset__gt=offset, offset__lt=run.log_offset)
    return list(rows.order_by("offset")[:limit])


def lines_before(run: BotRun, offset: int, *, limit: int) -> list[BotRunLog]:
    """Up to `limit` lines right before `offset`, oldest first."""
    rows = BotRunLog.objects.filter(run_id=run.pk, offset__lt=min(offset, run.log_offset))
    return list(rows.order_by("-offset")[:limit])[::-1]


def newest_lines(run: BotRun, *, limit: int) -> list[BotRunLog]:
    """The last `limit` lines, oldest first."""
    return lines_before(run, run.log_offset, limit=limit)
