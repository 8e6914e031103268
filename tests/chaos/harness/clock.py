"""A member's wall clock, ahead or behind by what a file says, so that a test can make it jump while it runs.

Wall time only: monotonic time never jumps, and PostgreSQL's and Kafka's own clocks are real.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared_models import clock

_real_time = time.time


def follow(file: Path) -> None:
    """From now on this process's clock is off by the seconds in `file`; call before anything else imports the clock."""

    def ahead() -> float:
        try:
            return float(file.read_text() or 0)
        except (FileNotFoundError, ValueError):  # not there yet, or being written
            return 0.0

    clock.utc_now = lambda: datetime.now(UTC) + timedelta(seconds=ahead())
    time.time = lambda: _real_time() + ahead()
