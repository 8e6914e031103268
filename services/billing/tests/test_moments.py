"""Balances at a moment agree with every entry counted one by one, whatever came late or was dated ahead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import queries
from billing.models import Entry
from billing.tests.test_pages import page
from billing.tests.world import Person, World
from event_bus.testing import deliver
from shared_models.clock import rfc3339, utc_now
from shared_models.ids import new_id

LONG_AGO = datetime(2031, 3, 3, 12, 0, tzinfo=UTC)
# (minutes between two recordings, minutes that a journal took effect before it was recorded)
_STEPS = st.tuples(st.integers(0, 5), st.sampled_from([0, 0, 0, 0.5, -0.5, 1.5, 30, 300, -1.5, -30]))


def counted(account_id: UUID, effective: datetime, recorded: datetime) -> Decimal:
    """The oracle: every entry, one by one."""
    entries = Entry.objects.filter(account_id=account_id).select_related("journal")
    fits = [e.amount for e in entries if e.journal.effective_at <= effective and e.journal.recorded_at <= recorded]
    return sum(fits, Decimal(0))


def page_by_page(person: Person, effective: datetime, recorded: datetime) -> Iterator[Decimal]:
    """The amounts that make up the balance, as pages of seven tell them."""
    cursor, last = None, 2**62
    while True:
        moments = {"effective_at": effective, "recorded_at": recorded}
        entries, cursor = queries.entries_at(person.id, "usd", **moments, cursor=cursor, limit=7)
        for entry in entries:
            assert entry.pk < last
            last = entry.pk
            yield entry.amount
        if cursor is None:
            return


def date_journals(account_id: UUID, steps: list[tuple[int, float]]) -> list[datetime]:
    """Give the account's journals other times, in their order, as its owner's rights allow; all moments involved."""
    moments: list[datetime] = []
    recorded = LONG_AGO
    entries = list(Entry.objects.filter(account_id=account_id).order_by("id"))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE journal DISABLE TRIGGER USER")
        for entry, (pause, early) in zip(entries, steps, strict=True):
            recorded += timedelta(minutes=pause, seconds=1)
            effective = recorded - timedelta(minutes=early)
            moments += [recorded, effective]
            cursor.execute(
                "UPDATE journal SET recorded_at = %s, effective_at = %s WHERE id = %s",
                [recorded, effective, entry.journal_id],
            )
    return moments


@pytest.mark.owner
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(_STEPS, min_size=25, max_size=25), picks=st.lists(st.tuples(st.integers(0, 49), st.integers(0, 49)))
)
def test_a_balance_at_two_moments_is_the_sum_of_the_entries_in_both(
    steps: list[tuple[int, float]], picks: list[tuple[int, int]], many: Person
) -> None:
    account = many.usd.id
    moments = date_journals(account, steps)
    for first, second in [*picks, (0, 49), (49, 49), (49, 0)]:
        effective, recorded = moments[first], moments[second]
        found = queries.balances_at(many.id, effective_at=effective, recorded_at=recorded)
        assert found.posted["usd"] == counted(account, effective, recorded)
        assert sum(page_by_page(many, effective, recorded)) == found.posted["usd"]


@pytest.fixture
def many(world: World) -> Person:
    """Somebody with 25 movements of dollars."""
    person = world.person()
    for dollars in range(1, 26):
        world.top_up(person, str(dollars))
    return person


def test_what_came_late_is_in_the_balance_of_its_day_but_was_not_known_then(world: World, ana: Person) -> None:
    before = utc_now()
    deliver(world.solved(ana, lines=1000, completed_at=before - timedelta(days=40)))
    then = before - timedelta(days=30)
    # The top-up of a test happened at its world's noon, which has not come.
    ahead = LONG_AGO + timedelta(days=1)
    assert queries.balances_at(ana.id, effective_at=then).posted["usd"] == Decimal("-0.1")
    assert queries.balances_at(ana.id, effective_at=then, recorded_at=before).posted["usd"] == 0
    assert queries.balances_at(ana.id, effective_at=ahead, recorded_at=before).posted["usd"] == 100
    assert queries.balances_at(ana.id, effective_at=ahead).posted["usd"] == Decimal("99.9")


def test_nobody_has_anything_before_the_first_entry(world: World, ana: Person) -> None:
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    assert set(queries.balances_at(ana.id, recorded_at=long_ago).posted.values()) == {Decimal(0)}
    assert set(queries.balances_at(Person().id).posted.values()) == {Decimal(0)}


def test_the_api_answers_for_a_moment_and_refuses_one_without_a_zone(api: Any, world: World, ana: Person) -> None:
    client, before = api(ana), rfc3339(utc_now() - timedelta(days=1))
    then = client.get("/api/v1/balances", {"recorded_at": before}).json()
    assert (then["recorded_at"], then["accounts"][0]) == (before, {"account": "usd", "posted": "0"})
    ahead = client.get("/api/v1/balances", {"effective_at": rfc3339(LONG_AGO + timedelta(days=1))}).json()
    assert ahead["accounts"][0] == {"account": "usd", "posted": "100"}
    for wrong in ("2026-01-31T12:00:00", "yesterday", "2026-13-01T00:00:00Z", "9" * 40):
        refused = client.get("/api/v1/balances", {"effective_at": wrong})
        assert refused.status_code == 422, refused.content
        assert "effective_at" in refused.content.decode()


def test_the_page_shows_then_beside_now(browser: Any, world: World, ana: Person) -> None:
    client = browser(ana)
    text = page(client, "/balances?effective_at=2031-03-04T00:00&recorded_at=2001-01-01T00:00:00")
    assert re.search(r'data-label="Then"><span class="amount">0,00 USD', text)
    assert re.search(r'data-label="Change since"><span class="amount">100,00 USD', text)
    known_now = page(client, "/balances?effective_at=2031-03-04T00:00")
    assert re.search(r'data-label="Then"><span class="amount">100,00 USD', known_now)
    assert "Top-up" in known_now
    assert "Nothing had moved on this account by then" in text
    assert "Choose one of usd" in page(client, "/balances?account=gold", status=422)
    assert "such as 2026-01-31T18:30" in page(client, "/balances?effective_at=soon", status=422)


def test_the_entries_of_a_moment_are_those_that_make_its_balance(api: Any, world: World, ana: Person) -> None:
    before = utc_now()
    late = new_id()
    deliver(world.solved(ana, lines=1000, completed_at=before - timedelta(days=40)), event_id=late)
    then = {"effective_at": rfc3339(before - timedelta(days=30))}
    answer = api(ana).get("/api/v1/ledger/as-of", then).json()
    assert (answer["balance"], [item["amount"] for item in answer["items"]]) == ("-0.1", ["-0.1"])
    known = api(ana).get("/api/v1/ledger/as-of", then | {"recorded_at": rfc3339(before)}).json()
    assert (known["balance"], known["items"]) == ("0", [])
    for wrong in ({"account": "gold"}, {"cursor": "x"}, {"effective_at": "soon"}):
        refused = api(ana).get("/api/v1/ledger/as-of", wrong)
        assert refused.status_code == 422, refused.content
        assert next(iter(wrong)) in refused.content.decode()
