"""Usage that ml said and nobody charged is found, by the hour and by its id; so is usage that ml never said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from billing import commands, queries
from billing.models import AwaitedUsage, UsageCount
from billing.rules.completeness import Hour, Sum, first_difference
from billing.tests.world import Person, World
from event_bus.testing import deliver
from shared_models.clock import utc_now
from shared_models.events import ml
from shared_models.ids import new_id
from shared_models.usage import as_hex, together, usage_digest

NAME = "usage that was said is charged"
Said = tuple[UUID, ml.SolvingCompleted]


def say(world: World, payer: Person, *, lines: int = 10, **changes: Any) -> Said:
    """Usage that ml said; it has not arrived yet."""
    return new_id(), world.solved(payer, lines=lines, **changes)


def arrive(*said: Said) -> None:
    for event_id, event in said:
        deliver(event, event_id=event_id)


def count(said: Sequence[Said], *, new: Sequence[Said] | None = None, version: int = 1, **changes: Any) -> None:
    """What ml tells of its usage, all of one hour."""
    first = min(event.completed_at for _, event in said)
    told: dict[str, Any] = {
        "hour": first.replace(minute=0, second=0, microsecond=0),
        "version": version,
        "events": len(said),
        "lines": sum(event.lines for _, event in said),
        "digest": as_hex(together(usage_digest(event_id, event.payer_id, event.lines) for event_id, event in said)),
        "first_at": first,
        "event_ids": [event_id for event_id, _ in (said if new is None else new)],
        "complete_at": utc_now() + timedelta(minutes=2),
    }
    deliver(ml.UsageCounted(**(told | changes)))


def finding(*, after: timedelta = timedelta(0)) -> Any:
    """What a verification after that time says of it."""
    verdict = queries.verify(now=utc_now() + after)
    return next(found for found in verdict.findings if found.name == NAME)


LATER = timedelta(minutes=11)


def test_what_was_said_and_charged_in_whatever_order_is_complete(world: World, ana: Person, broke: Person) -> None:
    said = [say(world, ana), say(world, broke, lines=7), say(world, ana, owner=broke)]
    arrive(said[0])
    count(said[:2])
    count(said, new=said[2:], version=2)
    arrive(*said[1:])

    assert finding(after=LATER).ok, finding(after=LATER).detail
    assert queries.verify().completeness == {"hours": 1, "said": 3, "charged": 3, "on_the_way": 0, "missing": 0}


def test_what_never_arrives_is_named_with_its_hour(world: World, ana: Person) -> None:
    said = [say(world, ana), say(world, ana)]
    arrive(said[0])
    count(said)

    found = finding(after=LATER)
    assert not found.ok
    assert (
        f"in the hour from 2031-03-03T12:00:00Z ml said 2 usage events, 1 are charged: 1 never arrived, {said[1][0]}"
        == found.detail
    )


def test_what_was_said_a_moment_ago_may_be_on_its_way(world: World, ana: Person) -> None:
    said = [say(world, ana), say(world, ana)]
    count(said)
    assert finding().ok
    assert "2 were said a moment ago" in finding().detail

    arrive(*said)
    assert finding(after=LATER).ok
    assert commands.forget_arrived() == 2
    assert not AwaitedUsage.objects.exists()


def test_the_first_hour_that_differs_is_the_one_that_is_told(world: World, ana: Person) -> None:
    hours = [say(world, ana, completed_at=world.now + timedelta(hours=n)) for n in range(3)]
    for said in hours:
        count([said])
    arrive(hours[0])
    assert "2031-03-03T13:00:00Z" in finding(after=LATER).detail


def test_an_older_count_never_overwrites_a_newer_one(world: World, ana: Person) -> None:
    said = [say(world, ana), say(world, ana)]
    arrive(*said)
    count(said, new=said[1:], version=2)
    count(said[:1], version=1)
    assert UsageCount.objects.get().events == 2
    assert finding(after=LATER).ok


def test_usage_that_ml_never_said_is_found(world: World, ana: Person) -> None:
    said = [say(world, ana)]
    arrive(*said, say(world, ana))
    count(said)
    found = finding(after=LATER)
    assert not found.ok
    assert "the others ml never said" in found.detail


def test_usage_that_ml_has_not_counted_yet_is_no_difference(world: World, ana: Person) -> None:
    said = [say(world, ana)]
    count(said, complete_at=None)
    arrive(*said, say(world, ana))
    assert finding(after=LATER).ok


def test_as_many_with_other_figures_are_not_the_same(world: World, ana: Person) -> None:
    said = [say(world, ana)]
    arrive((said[0][0], said[0][1].model_copy(update={"lines": 11})))
    count(said)
    found = finding(after=LATER)
    assert not found.ok
    assert "10 lines were said, 11 charged" in found.detail


def test_what_happened_before_ml_began_to_count_is_left_out(world: World, ana: Person) -> None:
    arrive(say(world, ana, completed_at=world.now - timedelta(minutes=20)))
    said = [say(world, ana)]
    arrive(*said)
    count(said)
    assert finding(after=LATER).ok


def test_before_the_first_count_nothing_is_claimed(world: World, ana: Person) -> None:
    arrive(say(world, ana))
    assert finding().ok
    assert "nothing to compare with" in finding().detail


HOUR = datetime.fromisoformat("2031-03-03T12:00:00+00:00")


@pytest.mark.parametrize(
    ("hour", "why"),
    [
        (Hour(HOUR, Sum(3), Sum(1), missing=[UUID(int=n) for n in range(7)]), "and 2 more"),
        (Hour(HOUR, Sum(3), Sum(1), on_the_way=1), "which are missing is not known"),
        (Hour(HOUR, charged=Sum(1), surely_said=1), "never said"),
        (Hour(HOUR, Sum(1, 5, "a"), Sum(1, 5, "b")), "not the same"),
    ],
)
def test_each_way_to_differ_is_said(hour: Hour, why: str) -> None:
    assert why in (first_difference([hour]) or "")


@pytest.mark.parametrize("hour", [Hour(HOUR), Hour(HOUR, Sum(2), Sum(1), on_the_way=1), Hour(HOUR, charged=Sum(1))])
def test_what_may_still_be_right_is_no_difference(hour: Hour) -> None:
    assert first_difference([hour]) is None
