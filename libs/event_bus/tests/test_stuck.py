"""A consumer to which nothing comes although records wait ends its process; one that was merely idle does not."""

from __future__ import annotations

import pytest

from event_bus import consumer
from event_bus.consumer import STUCK_SECONDS, ConsumerLoop, Stuck


class Member:
    """A member of a group for which `waiting` records wait."""

    waiting = 0

    async def lag(self) -> dict[str, int]:
        return {"titan.ml.v1": self.waiting}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(consumer, "monotonic", lambda: now[0])
    return now


async def test_a_record_that_comes_after_a_long_silence_is_no_sign_of_being_stuck(clock: list[float]) -> None:
    loop, member = ConsumerLoop(None, group="probe", topics=["titan.ml.v1"]), Member()
    clock[0] = 10 * STUCK_SECONDS
    await loop._measure_lag(member)
    member.waiting = 1
    await loop._measure_lag(member)
    await loop._database.close()


async def test_records_that_wait_all_the_time_while_none_comes_are(clock: list[float]) -> None:
    loop, member = ConsumerLoop(None, group="probe", topics=["titan.ml.v1"]), Member()
    await loop._measure_lag(member)
    member.waiting = 1
    clock[0] = STUCK_SECONDS + 1
    with pytest.raises(Stuck, match="1 records wait"):
        await loop._measure_lag(member)
    await loop._database.close()
