"""The watchdog: a process whose loops no longer turn says where they stand, and ends, so that it is started anew."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time

LIMIT_SECONDS = 300.0
EXIT_STUCK = 70


class Watchdog:
    """Ends the process when a loop that once called `beat` has not done so for `limit` seconds."""

    def __init__(self, limit: float = LIMIT_SECONDS) -> None:
        self._limit = limit
        self._beats: dict[str, float] = {}

    def beat(self, loop: str) -> None:
        """The loop has turned."""
        self._beats[loop] = time.monotonic()

    def forget(self, loop: str) -> None:
        """The loop has ended as it should."""
        self._beats.pop(loop, None)

    def start(self) -> None:
        """Watch on a thread of its own: the event loop may be what is stuck."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stuck(self) -> list[str]:
        """The loops that have been silent for too long."""
        now = time.monotonic()
        return sorted(loop for loop, last in list(self._beats.items()) if now - last > self._limit)

    def _watch(self) -> None:
        while not self.stuck():
            time.sleep(min(self._limit / 4, 5.0))
        sys.stderr.write(
            f"titan: {', '.join(self.stuck())} has not moved for {self._limit:.0f} s; ending the process\n"
        )
        faulthandler.dump_traceback(all_threads=True)
        os._exit(EXIT_STUCK)
