"""The HTTP side: who may ask what, and how errors look."""

import json

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from event_bus.testing import said
from identity import commands
from identity.models import Team
from service_base.testing import TokenClient
from shared_models.events import identity

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long enough sentence"


def register_body(**changes):
    return {"email": "ada@example.org", "password": PASSWORD, "first_name": "Ada", "last_name": "Example"} | changes


async def post(client, path, body=None, **headers):
    return await client.post(path, json.dumps(body or {}), content_type="application/json", headers=headers)


async def test_registering_and_signing_in_gives_tokens_that_work(signing_key):
    client = AsyncClient()
    assert (await post(client, "/api/v1/auth/register", register_body())).status_code == 201
    answer = await post(client, "/api/v1/auth/login", {"email": "ADA@example.org", "password": PASSWORD})
    me = await client.get("/api/v1/me", headers={"authorization": f"Bearer {answer.json()['access_token']}"})
    assert me.json()["email"] == "ada@example.org"


async def test_a_taken_address_is_a_problem_document_naming_the_field(signing_key):
    client = AsyncClient()
    await post(client, "/api/v1/auth/register", register_body())
    answer = await post(client, "/api/v1/auth/register", register_body())
    assert answer.status_code == 409
    assert answer["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == "email"


async def test_a_missing_field_is_named(signing_key):
    answer = await post(AsyncClient(), "/api/v1/auth/register", {"email": "ada@example.org"})
    assert answer.status_code == 422
    assert {"body.password", "password"} & {error["field"].split(".", 1)[-1] for error in answer.json()["errors"]}


@pytest.mark.parametrize("path", ["/api/v1/me", "/api/v1/teams", "/api/v1/api-keys", "/api/v1/audit"])
async def test_without_a_token_every_route_says_so(path):
    answer = await AsyncClient().get(path)
    assert answer.status_code == 401
    assert answer.json()["type"].endswith("/unauthenticated")


async def test_a_team_made_twice_under_one_idempotency_key_is_one_team(person, client_of):
    ada = await sync_to_async(person)("ada")
    client = await sync_to_async(client_of)(ada)
    first = await post(client, "/api/v1/teams", {"name": "Analysts"}, **{"idempotency-key": "one"})
    second = await post(client, "/api/v1/teams", {"name": "Analysts"}, **{"idempotency-key": "one"})
    assert first.json() == second.json()
    assert await Team.objects.acount() == 1


async def test_another_body_under_the_same_key_is_refused(person, client_of):
    client = await sync_to_async(client_of)(await sync_to_async(person)("ada"))
    await post(client, "/api/v1/teams", {"name": "Analysts"}, **{"idempotency-key": "one"})
    answer = await post(client, "/api/v1/teams", {"name": "Others"}, **{"idempotency-key": "one"})
    assert answer.status_code == 409


async def test_a_strangers_team_is_not_found_on_every_route(person, client_of):
    ada, eve = await sync_to_async(person)("ada"), await sync_to_async(person)("eve")
    team = await sync_to_async(commands.create_team)(owner=ada, name="Analysts")
    client = await sync_to_async(client_of)(eve)
    base = f"/api/v1/teams/{team.pk}"
    answers = [
        await client.get(base),
        await client.delete(base),
        await client.put(f"{base}/members/{eve.pk}", '{"role": "owner"}', content_type="application/json"),
        await client.delete(f"{base}/members/{ada.pk}"),
        await post(client, f"{base}/owner", {"user_id": str(eve.pk)}),
        await post(client, f"{base}/invitations"),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)


async def test_an_api_key_opens_what_it_says_and_nothing_after_it_was_revoked(person, client_of):
    client = await sync_to_async(client_of)(await sync_to_async(person)("ada"))
    made = (await post(client, "/api/v1/api-keys", {"name": "bot", "scopes": ["ml:solve"]})).json()
    assert made["key"].endswith(made["tail"])
    checked = await post(AsyncClient(), "/api/v1/api-keys/check", {"key": made["key"]})
    assert checked.json()["scopes"] == ["ml:solve"]
    assert (await client.delete(f"/api/v1/api-keys/{made['id']}")).status_code == 204
    assert (await post(AsyncClient(), "/api/v1/api-keys/check", {"key": made["key"]})).status_code == 404
    assert [str(e.key_id) for e in await sync_to_async(said)(identity.ApiKeyRevoked)] == [made["id"]]


async def test_an_api_key_cannot_make_another(person, client_of):
    client = await sync_to_async(client_of)(await sync_to_async(person)("ada"))
    made = (await post(client, "/api/v1/api-keys", {"name": "bot", "scopes": ["ml:solve"]})).json()
    with_key = TokenClient(made["key"])
    answer = await post(with_key, "/api/v1/api-keys", {"name": "more", "scopes": ["ml:train"]})
    assert answer.status_code == 403


async def test_the_jwks_shows_public_keys_only(signing_key):
    keys = (await AsyncClient().get("/.well-known/jwks.json")).json()["keys"]
    assert keys
    assert all("d" not in key for key in keys)


async def test_parked_events_are_for_operators(person, client_of):
    client = await sync_to_async(client_of)(await sync_to_async(person)("ada"))
    assert (await client.get("/api/v1/events/parked")).status_code == 403


async def test_the_service_documents_itself(signing_key):
    client = AsyncClient()
    assert (await client.get("/healthz")).json()["status"] == "ok"
    assert (await client.get("/readyz")).status_code == 200
    assert b"titan_http_request_seconds" in (await client.get("/metrics")).content
    assert "/api/v1/teams" in (await client.get("/api/v1/openapi.json")).json()["paths"]
    asyncapi = (await client.get("/api/v1/asyncapi.json")).json()
    assert "send.titan.identity.user.changed.v1" in asyncapi["operations"]


@pytest.mark.parametrize(("method", "path", "status"), [("get", "/api/v1/nothing", 404), ("put", "/api/v1/me", 405)])
async def test_an_address_that_does_not_exist_is_a_problem_document_too(method, path, status, db):
    answer = await getattr(AsyncClient(), method)(path)
    assert answer.status_code == status
    assert answer["content-type"] == "application/problem+json"
