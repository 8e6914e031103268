"""A process that no longer turns ends itself and says where it stood."""

import subprocess
import sys

from event_bus.watchdog import EXIT_STUCK, Watchdog

STUCK = """
import time
from event_bus.watchdog import Watchdog
watchdog = Watchdog(limit=0.3)
watchdog.beat("consumer")
watchdog.start()
def waits_for_ever(): time.sleep(60)
waits_for_ever()
"""


def test_a_loop_that_no_longer_turns_ends_the_process_with_its_stack():
    ended = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == EXIT_STUCK
    assert "consumer has not moved" in ended.stderr
    assert "waits_for_ever" in ended.stderr


def test_a_loop_that_turns_or_has_ended_is_left_alone():
    watchdog = Watchdog(limit=60)
    watchdog.beat("consumer")
    watchdog.beat("relay-0")
    watchdog.forget("relay-0")
    assert watchdog.stuck() == []
