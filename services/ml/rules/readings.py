"""Which uploads are read as work, how such a reading moves to its end, and how many one person may have."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from service_base.errors import Conflict, TooFast

# A file below this is read while its request waits, unless that takes longer than so many seconds.
READ_AT_ONCE = 8 << 20
AT_ONCE_SECONDS = 10.0
# As long as the lock on a machine's lines is held at most: whoever needs more sends less.
LONGEST_READING = timedelta(minutes=30)
MOST_ATTEMPTS = 3
# Of one person at a time: what waits holds room on the disk.
MOST_OPEN = 5
# A reading that was not heard of for this long is taken up by another worker.
LEASE = timedelta(seconds=30)
# What cannot be done right now is looked at again after so long.
LATER = timedelta(seconds=3)


class ReadingPurpose(StrEnum):
    """What becomes of the lines."""

    MACHINE = "machine"
    LEARNING = "learning"
    SOLVING = "solving"
    # Appended for solving, and solved by work that is asked for as soon as they are read.
    ANSWERS = "answers"
    CORRECTION = "correction"


class ReadingState(StrEnum):
    """Where the reading is; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({ReadingState.SUCCEEDED, ReadingState.FAILED, ReadingState.CANCELLED})
OPEN = frozenset(ReadingState) - ENDED

_NEXT = {
    ReadingState.QUEUED: {ReadingState.RUNNING, ReadingState.FAILED, ReadingState.CANCELLED},
    ReadingState.RUNNING: {
        ReadingState.RUNNING,
        ReadingState.QUEUED,
        ReadingState.SUCCEEDED,
        ReadingState.FAILED,
        ReadingState.CANCELLED,
    },
}


class ReadingEnded(Conflict):
    """The reading is past what was asked of it."""

    slug = "reading-ended"
    title = "The reading is past that"


class TooManyReadings(TooFast):
    """One person's uploads must not fill the disk or keep everybody else's waiting."""

    slug = "too-many-readings"
    title = "Too many files wait to be read"


def must_become(state: str, following: ReadingState) -> ReadingState:
    """The following state. Raises ReadingEnded when readings do not go that way."""
    if following not in _NEXT.get(ReadingState(state), set()):
        raise ReadingEnded(f"The reading is {state}; it cannot become {following.value}.")
    return following


def check_room(waiting: int) -> None:
    """Raises TooManyReadings for somebody who has as many open as one may."""
    if waiting >= MOST_OPEN:
        raise TooManyReadings(
            f"{waiting} of your files are being read or wait for it: wait for one to end or cancel it.", retry_after=30
        )
