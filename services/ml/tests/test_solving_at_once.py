"""Solving by what is remembered: the same answers, and whatever changed since counts at once."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from event_bus.models import OutboxEvent
from event_bus.testing import deliver, said
from ml import commands, drifting, queries
from ml.api import solving as api_solving
from ml.commands import solving_at_once
from ml.models import Machine, PublishedUsage, SolvedLines
from ml.queries import solving as reading_to_solve
from ml.rules.prices import Available, FundsShort, Prices, enough, must_cover
from ml.tests.world import ROW, balance, price_list
from service_base import auth, reading
from service_base.env import env
from service_base.testing import TokenClient
from shared_models.clock import utc_now
from shared_models.events import identity, ml
from shared_models.ids import new_id

kept = pytest.mark.django_db(transaction=True)
later = sync_to_async
Solve = Callable[..., Awaitable[Any]]


async def solve(client: Any, machine: Any, rows: list[Any] | None = None) -> Any:
    path = f"/api/v1/machines/{machine.pk}/solve"
    return await client.post(path, json.dumps({"rows": rows or [ROW]}), content_type="application/json")


async def usage() -> list[ml.SolvingCompleted]:
    return await later(lambda: said(ml.SolvingCompleted))()


async def listed() -> int:
    """How many solved lines' usages are listed: all but the training's."""
    return await PublishedUsage.objects.filter(lines=1).acount()


@pytest.fixture
async def hers(trained: Any, ada: Any, api: Any) -> Any:
    """Ada's client, of whom everything is remembered."""
    client = await later(api)(ada)
    assert (await solve(client, trained)).status_code == 200
    return client


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The machines that were looked up."""
    asked: list[UUID] = []
    to_solve = queries.to_solve

    def spy(caller: Any, machine_id: UUID) -> Any:
        asked.append(machine_id)
        return to_solve(caller, machine_id)

    monkeypatch.setattr(queries, "to_solve", spy)
    return asked


@kept
async def test_what_is_remembered_answers_the_same_and_is_charged_the_same(
    trained: Any, hers: Any, looked_up: list[UUID]
) -> None:
    solving_at_once._decisions.clear()
    anew, at_once = await solve(hers, trained), await solve(hers, trained)
    assert looked_up == [trained.pk]
    assert anew.json() | {"usage_id": ""} == at_once.json() | {"usage_id": ""}
    first, second, third = await usage()
    same = {"usage_id": first.usage_id, "completed_at": first.completed_at}
    assert first == second.model_copy(update=same) == third.model_copy(update=same)
    counted = await later(SolvedLines.objects.get)()
    assert (counted.lines, counted.requests, await listed()) == (3, 3, 3)


@kept
async def test_a_web_process_answers_so_on_its_event_loop(
    trained: Any, hers: Any, looked_up: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env(), "web_threads", 8)
    assert (await solve(hers, trained)).status_code == 200
    assert looked_up == []
    for links in reading._opened.pop(asyncio.get_running_loop()).values():
        links.close()
    assert len(await usage()) == 2


# --- what changed since -----------------------------------------------------------------------------------------------


def _delete(machine: Any, ada: Any, pair: Any) -> None:
    commands.delete_machine(machine_id=machine.pk)


def _deactivate(machine: Any, ada: Any, pair: Any) -> None:
    rights = {"is_active": False, "is_staff": False, "is_superuser": False}
    names = {"email": "ada@example.org", "first_name": "Ada", "last_name": "Example"}
    deliver(identity.UserChanged(user_id=ada.pk, version=2, **names, **rights))


def _retire_key(machine: Any, ada: Any, pair: Any) -> None:
    deliver(identity.SigningKeyPublished(kid="test", jwk=pair.as_dict(private=False), retired=True))


def _spend(machine: Any, ada: Any, pair: Any) -> None:
    deliver(balance(ada.pk, 9))


@kept
@pytest.mark.parametrize(("change", "status"), [(_delete, 404), (_deactivate, 401), (_retire_key, 401), (_spend, 402)])
async def test_whoever_may_no_more_is_refused_by_her_next_request(
    trained: Any, ada: Any, hers: Any, signing_pair: Any, change: Any, status: int
) -> None:
    await later(change)(trained, ada, signing_pair)
    assert (await solve(hers, trained)).status_code == status
    assert len(await usage()) == 1


@kept
async def test_a_right_that_is_lost_while_a_row_is_solved_is_lost(
    trained: Any, hers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a moment lies between what is proved and what is written."""
    ask = solving_at_once.write

    async def write(sql: str, params: Any) -> Any:
        await later(commands.delete_machine)(machine_id=trained.pk)
        return await ask(sql, params)

    monkeypatch.setattr(solving_at_once, "write", write)
    assert (await solve(hers, trained)).status_code == 404
    assert len(await usage()) == 1


@kept
async def test_a_revoked_api_key_opens_nothing(trained: Any, ada: Any, key_of: Any) -> None:
    from service_base.principals.models import ApiKeyGrant

    client = TokenClient(await later(key_of)(ada, "ml:solve"))
    assert [(await solve(client, trained)).status_code for _ in range(2)] == [200, 200]
    grant = await ApiKeyGrant.objects.aget()
    revoked = identity.ApiKeyRevoked(key_id=grant.key_id, user_id=ada.pk, revoked_at=utc_now())
    await later(deliver)(revoked)
    assert (await solve(client, trained)).status_code in (401, 503)  # 503 where identity cannot be asked
    assert len(await usage()) == 2


@kept
async def test_a_role_that_is_taken_away_is_gone(trained: Any, eve: Any, api: Any) -> None:
    team = uuid4()
    member = identity.TeamMemberChanged(team_id=team, user_id=eve.pk, version=1, role="member")
    await later(commands.change_machine)(machine_id=trained.pk, team=team)
    await later(deliver)(member)
    client = await later(api)(eve)
    assert [(await solve(client, trained)).status_code for _ in range(2)] == [200, 200]
    await later(deliver)(member.model_copy(update={"version": 2, "role": "viewer"}))
    assert (await solve(client, trained)).status_code == 404
    assert len(await usage()) == 2


@kept
async def test_a_machine_that_is_withdrawn_is_not_for_sale(trained: Any, bo: Any, api: Any) -> None:
    await later(commands.publish_machine)(machine_id=trained.pk, price_usd="0.25")
    client = await later(api)(bo)
    assert [(await solve(client, trained)).status_code for _ in range(2)] == [200, 200]
    await later(commands.withdraw_machine)(machine_id=trained.pk)
    assert (await solve(client, trained)).status_code == 404
    assert [event.market_price_usd for event in await usage()] == [Decimal("0.25")] * 2


@kept
async def test_a_new_price_is_the_price(trained: Any, bo: Any, api: Any) -> None:
    await later(commands.publish_machine)(machine_id=trained.pk, price_usd="0.25")
    client = await later(api)(bo)
    assert (await solve(client, trained)).json()["price"] == {"eaml": "0.01", "usd": "0.25"}
    await later(commands.publish_machine)(machine_id=trained.pk, price_usd="0.5")
    assert (await solve(client, trained)).json()["price"] == {"eaml": "0.01", "usd": "0.5"}
    await later(deliver)(price_list(2, solving_line_eaml=Decimal("0.02")))
    assert (await solve(client, trained)).json()["price"] == {"eaml": "0.02", "usd": "0.5"}
    assert [event.market_price_usd for event in await usage()] == [Decimal("0.25"), Decimal("0.5"), Decimal("0.5")]


@kept
async def test_a_remembered_token_still_expires(trained: Any, hers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from time import time

    monkeypatch.setattr(auth, "time", lambda: time() + 3600)
    assert (await solve(hers, trained)).status_code == 401


@kept
async def test_funds_that_still_suffice_are_no_reason_to_look_anew(
    trained: Any, ada: Any, hers: Any, looked_up: list[UUID]
) -> None:
    await later(deliver)(balance(ada.pk, 9, eaml="0.01"))
    assert (await solve(hers, trained)).status_code == 200
    assert looked_up == []


@kept
async def test_what_it_cost_so_far_is_no_reason_to_look_anew(trained: Any, hers: Any, looked_up: list[UUID]) -> None:
    await Machine.objects.filter(pk=trained.pk).aupdate(machine_billing_cost_solving_usd=Decimal(3))
    assert (await solve(hers, trained)).status_code == 200
    assert looked_up == []


@pytest.mark.django_db
def test_what_is_compared_is_all_that_solving_reads_of_a_machine() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('machine_to_solve(machine)'::regprocedure)")
        definition = cursor.fetchone()[0]
    assert set(re.findall(r"\$1\.(\w+)", definition)) == set(reading_to_solve._COLUMN.values())


# --- what is written --------------------------------------------------------------------------------------------------


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
@pytest.mark.parametrize("why", ["many rows", "a slow model", "a model that is not in memory"])
async def test_what_takes_long_is_left_to_a_thread(trained: Any, hers: Any, looked_up: list[UUID], why: str) -> None:
    from ml import sessions

    rows = [ROW] * (solving_at_once.MOST_ROWS + 1) if why == "many rows" else [ROW]
    for decision in solving_at_once._decisions.values():
        decision.seconds = 0.1 if why == "a slow model" else 0.0
    if why == "a model that is not in memory":
        sessions._warm.clear()
    assert (await solve(hers, trained, rows)).status_code == 200
    assert looked_up == [trained.pk]


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
async def test_with_a_key_the_answer_is_stored_and_repeated(trained: Any, hers: Any) -> None:
    path, body = f"/api/v1/machines/{trained.pk}/solve", json.dumps({"rows": [ROW]})
    asked = {"content_type": "application/json", "headers": {"idempotency-key": "one"}}
    first, second = [await hers.post(path, body, **asked) for _ in range(2)]
    assert first.json() == second.json()
    assert len(await usage()) == 2


def test_what_is_remembered_is_bounded() -> None:
    assert solving_at_once.MOST_REMEMBERED <= 10_000
    assert api_solving.FEW_BYTES <= 64 << 10


# --- enough -----------------------------------------------------------------------------------------------------------

amounts = st.decimals(min_value=0, max_value=10, places=8, allow_nan=False)


@given(st.tuples(amounts, amounts, amounts, amounts), amounts, amounts, amounts, amounts, amounts)
def test_whoever_has_enough_covers_the_price(
    have: tuple[Decimal, Decimal, Decimal, Decimal],
    eaml: Decimal,
    usd: Decimal,
    rate: Decimal,
    more_tokens: Decimal,
    more_dollars: Decimal,
) -> None:
    prices, known = Prices(1, Decimal(0), Decimal(0), {}, rate, 0), Available(*have)
    try:
        must_cover(prices, known, eaml=eaml, usd=usd)
    except FundsShort:
        return
    needed = enough(prices, known, eaml=eaml, usd=usd)
    assert (known.coupon + known.eaml, known.usd + known.credit) >= (needed.tokens, needed.dollars)
    assert known.usd + known.credit >= needed.dollars
    then = Available(usd=needed.dollars + more_dollars, eaml=needed.tokens + more_tokens)
    must_cover(prices, then, eaml=eaml, usd=usd)
