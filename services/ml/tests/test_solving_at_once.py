"""Solving by what is remembered: the same answers, and whatever changed since counts at once."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from time import sleep
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections
from hypothesis import given
from hypothesis import strategies as st

from event_bus.testing import deliver
from ml import commands, queries
from ml.api import solving as api_solving
from ml.commands import solving_at_once
from ml.models import Machine, SolvedLines
from ml.queries import solving as reading_to_solve
from ml.rules.prices import Available, Prices, enough, must_cover
from ml.tests.asking import listed, solve, usage
from ml.tests.world import ROW, balance, price_list
from service_base import auth, reading
from service_base.errors import FundsShort
from service_base.testing import TokenClient
from shared_models.clock import utc_now
from shared_models.events import identity

kept = pytest.mark.django_db(transaction=True)
later = sync_to_async
Solve = Callable[..., Awaitable[Any]]


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
    trained: Any, hers: Any, looked_up: list[UUID], threads: int
) -> None:
    assert (await solve(hers, trained)).status_code == 200
    assert looked_up == []
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
    trained: Any, ada: Any, hers: Any, signing_pair: Any, change: Any, status: int, threads: int
) -> None:
    await later(change)(trained, ada, signing_pair)
    assert (await solve(hers, trained)).status_code == status
    assert len(await usage()) == 1


@kept
@pytest.mark.parametrize(("change", "status"), [(_delete, 404), (_deactivate, 401), (_retire_key, 401), (_spend, 402)])
async def test_what_is_lost_before_the_statement_is_asked_is_lost(
    trained: Any,
    ada: Any,
    hers: Any,
    signing_pair: Any,
    threads: int,
    monkeypatch: pytest.MonkeyPatch,
    change: Any,
    status: int,
) -> None:
    """The statement that writes is the one that proves: nothing lies between them."""
    ask = reading.write_during

    async def write_during(work: Any, sql: str, params: Any) -> Any:
        await later(change)(trained, ada, signing_pair)
        return await ask(work, sql, params)

    monkeypatch.setattr(solving_at_once, "write_during", write_during)
    assert (await solve(hers, trained)).status_code == status
    assert (len(await usage()), await listed()) == (1, 1)


@kept
@pytest.mark.parametrize("threads", [8], indirect=True)
async def test_what_is_lost_while_a_row_is_solved_counts_for_the_next(
    trained: Any, hers: Any, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ml.learning.solver import Solver

    answers = Solver.answers

    def deleted_meanwhile(solver: Solver, x: Any) -> Any:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(_delete_once_metered, trained.pk).result(30)
        return answers(solver, x)

    with monkeypatch.context() as slower:
        slower.setattr(Solver, "answers", deleted_meanwhile)
        assert (await solve(hers, trained)).status_code == 200
    assert (await solve(hers, trained)).status_code == 404
    assert len(await usage()) == 2


def _delete_once_metered(machine_id: UUID) -> None:
    """Once the statement has written, which is committed when the row is solved."""
    metering = (
        "SELECT FROM pg_stat_activity WHERE datname = current_database()"
        " AND query LIKE 'SELECT meter_solving%' AND backend_xid IS NOT NULL"
    )
    try:
        with connection.cursor() as cursor:
            while not cursor.execute(metering) and not cursor.fetchall():
                sleep(0.01)
        commands.delete_machine(machine_id=machine_id)
    finally:
        connections.close_all()


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


# --- what is left to others -------------------------------------------------------------------------------------------


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
