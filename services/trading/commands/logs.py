"""Log lines of runs: appended under the run's row lock, so that offsets have no holes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from service_base.errors import NotFound
from shared_models.clock import utc_now
from shared_models.timeseries import ALIAS
from trading.models import BotRun, BotRunLog


@dataclass(frozen=True, slots=True)
class Line:
    """A line to be appended."""

    level: str
    event: str
    fields: dict[str, str] = field(default_factory=dict)
    candle_at: datetime | None = None
    order_id: UUID | None = None


def add_log(*, run_id: UUID, level: str, event: str, fields: dict[str, str] | None = None) -> int:
    """Append one line and give its offset. Raises NotFound."""
    with transaction.atomic():
        run = BotRun.objects.select_for_update().filter(pk=run_id).first()
        if run is None:
            raise NotFound("There is no such run.")
        append_lines(run, [Line(level, event, fields or {})])
        run.save(update_fields=["log_offset"])
        return run.log_offset - 1


def append_lines(run: BotRun, lines: Iterable[Line]) -> None:
    """Write `lines` after the run's last one and count them; the caller holds the run's lock and saves it.

    The lines commit before the run does. Should the run's transaction fail after that, its offset stays where it
    was, nobody sees those lines, and the next writer removes them here.
    """
    now = utc_now()
    rows = [
        BotRunLog(
            run_id=run.pk,
            offset=run.log_offset + n,
            timestamp=now,
            level=line.level,
            event=line.event,
            fields=line.fields,
            candle_at=line.candle_at,
            order_id=line.order_id,
        )
        for n, line in enumerate(lines)
    ]
    if not rows:
        return
    with transaction.atomic(using=ALIAS):
        BotRunLog.objects.filter(run_id=run.pk, offset__gte=run.log_offset).delete()
        BotRunLog.objects.bulk_create(rows, batch_size=2_000)
    run.log_offset += len(rows)
