"""What is solved at once is metered: the answer, its event, its listing and its count come together or not at all."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from event_bus.models import OutboxEvent
from event_bus.outbox import row_of
from ml import commands, drifting, publishes, queries
from ml.api import solving as api_solving
from ml.commands import solving_at_once
from ml.models import DriftCount, Machine, PublishedUsage, SolvedLines
from ml.tests.asking import listed, solve, usage
from ml.tests.world import ROW
from service_base import reading
from service_base.errors import BadInput
from service_base.reading import CONNECTION_FACTS
from shared_models.events import ml
from shared_models.events.contract import decode
from shared_models.ids import new_id

kept = pytest.mark.django_db(transaction=True)
later = sync_to_async


@kept
@pytest.mark.parametrize("at_once", [True, False])
async def test_an_answer_and_its_usage_come_together_or_not_at_all(trained: Any, hers: Any, at_once: bool) -> None:
    if not at_once:
        solving_at_once._decisions.clear()
    await later(_sql)("ALTER TABLE solved_lines ADD CONSTRAINT no_more CHECK (lines < 2)")
    try:
        assert (await solve(hers, trained)).status_code == 500
    finally:
        await later(_sql)("ALTER TABLE solved_lines DROP CONSTRAINT no_more")
    counted = await later(SolvedLines.objects.get)()
    assert (len(await usage()), await listed(), counted.lines) == (1, 1, 1)


@kept
async def test_what_fails_to_be_solved_costs_nothing(
    trained: Any, hers: Any, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ml.learning.solver import Solver

    def fail(solver: Solver, x: Any) -> Any:
        raise ArithmeticError

    with monkeypatch.context() as broken:
        broken.setattr(Solver, "answers", fail)
        for _ in range(reading.MOST_WRITING + 1):
            assert (await solve(hers, trained)).status_code == 500
    counted = await later(SolvedLines.objects.get)()
    assert (len(await usage()), await listed(), counted.lines) == (1, 1, 1)
    assert (await solve(hers, trained)).status_code == 200
    counted = await later(SolvedLines.objects.get)()
    assert (len(await usage()), await listed(), counted.lines) == (2, 2, 2)


@kept
async def test_a_request_that_is_broken_off_is_metered_whole_or_not_at_all(
    trained: Any, hers: Any, threads: int
) -> None:
    facts = {name: value for name, value in connection.get_connection_params().items() if name in CONNECTION_FACTS}
    with psycopg.connect(**facts) as other:
        other.execute("SELECT FROM solved_lines FOR UPDATE")
        asked = asyncio.create_task(solve(hers, trained))
        await asyncio.sleep(0.2)
        asked.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(asked, 20)
    assert (await solve(hers, trained)).status_code == 200
    await asyncio.sleep(0.2)
    counted = await later(SolvedLines.objects.get)()
    said_of = len(await usage())
    assert said_of in (2, 3)
    assert (await listed(), counted.lines) == (said_of, said_of)


@given(name=st.text(max_size=500), lines=st.integers(1, 8), at=st.datetimes(timezones=st.just(UTC)))
def test_usage_that_is_told_again_and_again_is_what_the_contract_says(name: str, lines: int, at: Any) -> None:
    owner, payer, caller, usage_id = (uuid4() for _ in range(4))
    machine = Machine(id=uuid4(), machine_name=name, machine_owner_user_id=owner, mdc_columns_total_count=3)
    whose: dict[str, Any] = {"caller_id": caller, "payer_id": payer, "channel": "market", "lines": lines}
    metering = publishes.Metering(machine, **whose, market_price_usd=Decimal("0.25"))
    whose_names = ["payer_id", "machine_id", "caller_id", "channel", "lines"]
    names = ["event_id", "at", *whose_names, "topic", "key", "type", "headers", "payload"]
    row = dict(zip(names, metering.usage(usage_id, at), strict=True))
    event = ml.SolvingCompleted(
        usage_id=usage_id,
        machine_id=machine.pk,
        machine_name=name,
        machine_owner_id=owner,
        payer_id=payer,
        channel="market",
        lines=lines,
        columns=3,
        market_price_usd=Decimal("0.25"),
        completed_at=at,
    )
    assert decode(row["type"], row["payload"]) == event
    said = row_of(event, usage_id, at)
    assert json.loads(row.pop("payload")) == json.loads(said.pop("payload"))
    assert json.loads(row.pop("headers")) == said.pop("headers")
    said["at"] = said.pop("occurred_at")
    assert row == {name: str(value) for name, value in (said | whose | {"machine_id": machine.pk}).items()}


def _drift_lines() -> int:
    """However the hours fall."""
    return sum(count.lines for count in DriftCount.objects.all())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
ROWS = st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=3), max_size=3) | JSON
BODIES = st.dictionaries(st.just("rows") | st.text(max_size=3), ROWS, max_size=3) | JSON


@given(BODIES.map(lambda body: json.dumps(body).encode()) | st.binary())
def test_a_few_rows_are_read_as_any_rows_are(body: bytes) -> None:
    try:
        rows = api_solving._rows(body).rows
    except BadInput:
        rows = None
    assert repr(api_solving._few_rows(body)) == repr(rows)


def _sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@kept
def test_a_usage_said_twice_is_one_also_after_its_event_was_sent(trained: Any, ada: Any, bo: Any) -> None:
    from ml.api.solving import order_of
    from service_base.callers import Caller

    caller = Caller(ada)
    found = queries.to_solve(caller, trained.pk)
    usage_id = new_id()
    for _ in range(2):
        order = order_of(caller, found)
        commands.solve_rows(machine=found.machine, order=order, rows=[ROW], usage_id=usage_id)
        assert OutboxEvent.objects.filter(event_id=usage_id).count() <= 1
        sent = OutboxEvent.objects.filter(event_id=usage_id).delete()[0]
    assert sent == 0
    assert (SolvedLines.objects.get().lines, PublishedUsage.objects.filter(pk=usage_id).count()) == (1, 1)


@kept
async def test_a_column_that_is_unknown_is_named_and_costs_nothing(trained: Any, hers: Any) -> None:
    answer = await solve(hers, trained, [ROW | {"height": 180}])
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "height")
    assert len(await usage()) == 1


@kept
async def test_a_row_is_counted_for_drift_once(trained: Any, hers: Any) -> None:
    drifting._waiting.clear()
    await solve(hers, trained)
    [waiting] = drifting._waiting.values()
    assert len(waiting.rows) == 1


@kept
async def test_rows_solved_one_by_one_are_put_together_and_none_is_lost(
    trained: Any, hers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifting._waiting.clear()
    monkeypatch.setattr(drifting, "_timer", object())
    monkeypatch.setattr(drifting, "MOST_LOOSE", 3)
    for loose in (1, 2, 0, 1):
        await solve(hers, trained)
        assert len(drifting._loose) == loose
    [waiting] = drifting._waiting.values()
    assert len(waiting.rows) == 3
    await later(drifting.flush)()
    assert await later(_drift_lines)() == 4


@kept
async def test_with_a_key_the_answer_is_stored_and_repeated(trained: Any, hers: Any) -> None:
    path, body = f"/api/v1/machines/{trained.pk}/solve", json.dumps({"rows": [ROW]})
    asked = {"content_type": "application/json", "headers": {"idempotency-key": "one"}}
    first, second = [await hers.post(path, body, **asked) for _ in range(2)]
    assert first.json() == second.json()
    assert len(await usage()) == 2
