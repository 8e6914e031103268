"""Usage is counted once, whatever commits late, and each count tells what it added."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from event_bus.models import OutboxEvent
from event_bus.testing import said
from ml import commands, publishes, queries
from ml.models import PublishedUsage
from ml.rules.access import Channel
from ml.tests.world import ROW
from shared_models.events import ml
from shared_models.usage import as_hex, together, usage_digest

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2031, 3, 3, 12, 0, tzinfo=UTC)
_USAGE_TYPES = [ml.TrainingCompleted.TYPE, ml.SolvingCompleted.TYPE]


def solve(machine: Any, payer: Any, *, at: datetime, lines: int = 10) -> UUID:
    """A usage event that was said."""
    usage_id = uuid4()
    with transaction.atomic():
        publishes.solving_completed(machine, usage_id=usage_id, payer_id=payer.pk, channel="own", lines=lines, at=at)
    return usage_id


def counts() -> list[ml.UsageCounted]:
    return said(ml.UsageCounted)


def test_each_hour_is_told_with_its_events_its_lines_and_a_digest_of_both(machine: Any, ada: Any) -> None:
    first = solve(machine, ada, at=NOON + timedelta(minutes=5))
    second = solve(machine, ada, at=NOON + timedelta(minutes=1), lines=7)
    solve(machine, ada, at=NOON + timedelta(hours=1))
    assert commands.count_usage() == 3

    [noon, later] = counts()
    assert (noon.hour, noon.version, noon.events, noon.lines) == (NOON, 1, 2, 17)
    assert noon.first_at == NOON + timedelta(minutes=1)
    assert set(noon.event_ids) == {first, second}
    digests = [usage_digest(first, ada.pk, 10), usage_digest(second, ada.pk, 7)]
    assert noon.digest == as_hex(together(digests)) == as_hex(together(reversed(digests)))
    assert (later.hour, later.events) == (NOON + timedelta(hours=1), 1)


def test_nothing_is_counted_twice(machine: Any, ada: Any) -> None:
    solve(machine, ada, at=NOON)
    assert (commands.count_usage(), commands.count_usage()) == (1, 0)
    assert len(counts()) == 1


def test_what_is_said_again_under_its_id_is_one_usage(machine: Any, ada: Any) -> None:
    """A form that was sent twice says the same usage twice, also after the outbox forgot the first."""
    usage_id = uuid4()
    for minute in (1, 2):
        with transaction.atomic():
            at = NOON + timedelta(minutes=minute)
            publishes.solving_completed(machine, usage_id=usage_id, payer_id=ada.pk, channel="own", lines=1, at=at)
        commands.count_usage()
        OutboxEvent.objects.filter(type=ml.SolvingCompleted.TYPE).delete()
    [count] = counts()
    assert (count.events, count.event_ids) == (1, [usage_id])


def test_what_commits_late_raises_its_hours_count(machine: Any, ada: Any) -> None:
    """Its time lies in an hour that was counted long ago; only its commit says when it can be seen."""
    solve(machine, ada, at=NOON + timedelta(hours=3))
    early = solve(machine, ada, at=NOON)
    commands.count_usage()
    late = solve(machine, ada, at=NOON + timedelta(minutes=2), lines=5)
    commands.count_usage()

    [_, _, again] = counts()
    assert (again.hour, again.version, again.events, again.lines) == (NOON, 2, 2, 15)
    assert again.event_ids == [late]
    assert again.digest == as_hex(together([usage_digest(early, ada.pk, 10), usage_digest(late, ada.pk, 5)]))


def test_a_count_says_it_is_complete_only_when_nothing_waits(
    machine: Any, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.commands.usage.COUNT_AT_ONCE", 2)
    for minute in range(3):
        solve(machine, ada, at=NOON + timedelta(minutes=minute))
    assert commands.count_usage() == 3
    [part, rest] = counts()
    assert part.complete_at is None
    assert rest.complete_at is not None
    assert (part.events, rest.events) == (2, 3)


def test_usage_and_its_listing_exist_together_or_not_at_all(machine: Any, ada: Any) -> None:
    with pytest.raises(RuntimeError, match="too late"), transaction.atomic():
        publishes.solving_completed(machine, usage_id=uuid4(), payer_id=ada.pk, channel="own", lines=1, at=NOON)
        raise RuntimeError("too late")
    assert not PublishedUsage.objects.exists()
    assert commands.count_usage() == 0


def test_a_training_and_a_solving_request_are_listed_under_their_events_ids(trained: Any, ada: Any) -> None:
    order = commands.Order(ada.pk, ada.pk, Channel.OWN, queries.prices(), queries.available(ada.pk))
    with transaction.atomic():
        answered = commands.solve_rows(machine=trained, order=order, rows=[ROW], usage_id=uuid4())
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id FROM outbox WHERE type = ANY(%s)", [_USAGE_TYPES])
        published = {row[0] for row in cursor.fetchall()}
    listed = set(PublishedUsage.objects.values_list("pk", flat=True))
    assert answered.usage_id in listed
    assert published == listed


def test_what_was_counted_long_ago_is_forgotten_and_what_was_not_stays(machine: Any, ada: Any) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=120)
    solve(machine, ada, at=long_ago)
    commands.count_usage()
    waiting = solve(machine, ada, at=long_ago)
    assert commands.forget_counted_usage() == 1
    assert [row.pk for row in PublishedUsage.objects.all()] == [waiting]
