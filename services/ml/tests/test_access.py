"""Who may do what with a machine: the rule itself, and the rule as the API keeps it."""

from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async

from ml import commands, queries
from ml.rules.access import Channel, Right, channel, rights
from service_base.callers import Caller
from service_base.errors import NotFound

SEEING = {Right.LIST, Right.SEE}
TAKING_PART = SEEING | {Right.SOLVE, Right.APPEND}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"is_owner": True, "role": None, "sells_solving": False}, set(Right)),
        ({"is_owner": False, "role": "owner", "sells_solving": False}, TAKING_PART | {Right.CHANGE}),
        ({"is_owner": False, "role": "admin", "sells_solving": False}, TAKING_PART | {Right.CHANGE}),
        ({"is_owner": False, "role": "member", "sells_solving": False}, TAKING_PART),
        ({"is_owner": False, "role": "viewer", "sells_solving": False}, SEEING),
        ({"is_owner": False, "role": "viewer", "sells_solving": True}, SEEING | {Right.SOLVE}),
        ({"is_owner": False, "role": None, "sells_solving": True}, {Right.LIST, Right.SOLVE}),
        ({"is_owner": False, "role": None, "sells_solving": False}, set()),
        ({"is_owner": False, "role": None, "sells_solving": False, "is_listed": True}, {Right.LIST}),
        ({"is_owner": False, "role": "left", "sells_solving": False}, set()),
    ],
)
def test_rights_follow_from_ownership_role_and_what_was_made_public(facts, expected):
    assert rights(**facts) == expected


@pytest.mark.parametrize(
    ("belongs", "by_key", "expected"),
    [(True, False, Channel.OWN), (True, True, Channel.API), (False, True, Channel.MARKET), (False, False, "market")],
)
def test_a_stranger_buys_and_a_key_is_the_api(belongs, by_key, expected):
    assert channel(belongs=belongs, by_key=by_key) == expected


@pytest.mark.django_db
@pytest.mark.parametrize("right", list(Right))
def test_somebody_elses_machine_does_not_exist(machine, eve, right):
    with pytest.raises(NotFound):
        queries.machine_for(Caller(eve), machine.pk, right)


@pytest.mark.django_db
def test_a_team_machine_is_found_by_its_members_only(machine, eve):
    team = uuid4()
    commands.change_machine(machine_id=machine.pk, team=team)
    assert queries.machine_for(Caller(eve, teams={team: "viewer"}), machine.pk, Right.SEE) == machine
    with pytest.raises(NotFound):
        queries.machine_for(Caller(eve, teams={uuid4(): "owner"}), machine.pk, Right.SEE)


@pytest.mark.django_db
def test_a_viewer_of_the_team_cannot_solve_at_the_owners_cost(machine, eve):
    team = uuid4()
    commands.change_machine(machine_id=machine.pk, team=team)
    with pytest.raises(NotFound):
        queries.machine_for(Caller(eve, teams={team: "viewer"}), machine.pk, Right.SOLVE)


@pytest.mark.django_db
def test_a_buyer_may_solve_with_a_published_machine_but_not_see_its_table(trained, eve):
    commands.publish_machine(machine_id=trained.pk, price_usd="0.01")
    assert queries.machine_for(Caller(eve), trained.pk, Right.SOLVE) == trained
    with pytest.raises(NotFound):
        queries.machine_for(Caller(eve), trained.pk, Right.SEE)


@pytest.mark.django_db
def test_a_withdrawn_machine_is_gone_for_buyers(trained, eve):
    commands.publish_machine(machine_id=trained.pk, price_usd="0.01")
    commands.withdraw_machine(machine_id=trained.pk)
    with pytest.raises(NotFound):
        queries.machine_for(Caller(eve), trained.pk, Right.SOLVE)


@pytest.mark.django_db
def test_a_deleted_machine_is_gone_for_its_owner(machine, ada):
    commands.delete_machine(machine_id=machine.pk)
    with pytest.raises(NotFound):
        queries.machine_for(Caller(ada), machine.pk, Right.SEE)


PATHS = ["", "/columns", "/lines", "/quote", "/card", "/works"]


@pytest.mark.django_db(transaction=True)
async def test_every_route_of_somebody_elses_machine_answers_404(machine, eve, api):
    client = await sync_to_async(api)(eve)
    found = [(await client.get(f"/api/v1/machines/{machine.pk}{path}")).status_code for path in PATHS]
    assert found == [404] * len(PATHS)


@pytest.mark.django_db(transaction=True)
async def test_somebody_elses_work_is_neither_seen_nor_cancelled(training, eve, api):
    client = await sync_to_async(api)(eve)
    assert (await client.get(f"/api/v1/works/{training.pk}")).status_code == 404
    assert (await client.post(f"/api/v1/works/{training.pk}/cancel")).status_code == 404
    assert (await client.get("/api/v1/works")).json()["items"] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("token", ["", "wrong", "tk_unknown.key"])
async def test_a_wrong_token_is_a_401_problem(machine, token, monkeypatch):
    from django.test import AsyncClient

    monkeypatch.setattr("service_base.principals.source._ask_identity", lambda *key: None)
    answer = await AsyncClient().get(f"/api/v1/machines/{machine.pk}", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer["content-type"] == "application/problem+json"


@pytest.mark.django_db(transaction=True)
async def test_an_api_key_opens_only_what_its_scopes_say(machine, ada, key_of):
    from service_base.testing import TokenClient

    reader = TokenClient(await sync_to_async(key_of)(ada, "ml:read"))
    assert (await reader.get(f"/api/v1/machines/{machine.pk}")).status_code == 200
    refused = await reader.post(
        f"/api/v1/machines/{machine.pk}/solve", '{"rows": [{}]}', content_type="application/json"
    )
    assert refused.status_code == 403
    assert "ml:solve" in refused.json()["detail"]


@pytest.mark.django_db(transaction=True)
async def test_an_admin_of_the_team_changes_a_machine_but_does_not_take_it_away(machine, eve, api):
    team = uuid4()
    await sync_to_async(commands.change_machine)(machine_id=machine.pk, team=team)
    client = await sync_to_async(api)(eve, {team: "admin"})
    path = f"/api/v1/machines/{machine.pk}"
    renamed = await client.patch(path, '{"machine_name": "Ours"}', content_type="application/json")
    assert renamed.json()["machine_name"] == "Ours"
    taken = await client.patch(path, '{"machine_owner_team": null}', content_type="application/json")
    assert taken.status_code == 404
