"""What every service answers, and how: problems, idempotency, pages, health."""

import asyncio
import json

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from event_bus.models import PublishedCount
from service_base.testing import TokenClient

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(token_for):
    return TokenClient(token_for())


async def write(client, amount, key=None):
    headers = {"idempotency-key": key} if key else {}
    body = json.dumps({"amount": amount})
    return await client.post("/api/v1/write", body, content_type="application/json", headers=headers)


async def count():
    return await sync_to_async(lambda: sum(PublishedCount.objects.values_list("count", flat=True)))()


async def test_without_a_token_the_answer_is_a_401_problem():
    answer = await AsyncClient().get("/api/v1/who")
    assert (answer.status_code, answer["content-type"]) == (401, "application/problem+json")
    assert answer.json()["detail"].startswith("Send `Authorization")


async def test_a_page_cookie_does_not_open_the_api(token_for):
    client = AsyncClient()
    client.cookies["titan_access"] = token_for()
    assert (await client.get("/api/v1/who")).status_code == 401


async def test_the_same_key_and_body_happens_once_and_is_answered_alike(client):
    first, second = await write(client, 5, "k"), await write(client, 5, "k")
    assert (first.json(), second.json(), await count()) == ({"count": 5}, {"count": 5}, 5)


async def test_the_same_key_with_another_body_is_refused(client):
    await write(client, 5, "k")
    answer = await write(client, 6, "k")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("idempotency-key-reused")


async def test_a_refusal_is_stored_too(client):
    first, second = await write(client, -1, "k"), await write(client, -1, "k")
    assert first.status_code == second.status_code == 402
    assert first.json()["missing"] == second.json()["missing"] == "1"


async def test_being_told_to_come_back_later_is_not_stored(client):
    assert (await write(client, 503, "k")).status_code == 503
    await write(client, 1, "other")
    assert (await write(client, 503, "k")).json()["count"] == 504


async def test_the_same_key_at_the_same_time_happens_once(client):
    answers = await asyncio.gather(*(write(client, 5, "k") for _ in range(5)))
    assert {answer.json()["count"] for answer in answers} == {5}
    assert await count() == 5


async def test_two_people_may_use_the_same_key(client, token_for):
    await write(client, 5, "k")
    await write(TokenClient(await sync_to_async(token_for)()), 5, "k")
    assert await count() == 10


async def test_an_error_nobody_foresaw_is_a_500_problem_with_a_trace_and_no_traceback(client):
    client.raise_request_exception = False
    answer = await client.get("/api/v1/broken")
    assert answer.status_code == 500
    assert answer.json()["trace_id"]
    assert "ZeroDivision" not in answer.content.decode()


async def test_a_wrong_body_names_its_field(client):
    answer = await client.post("/api/v1/write", '{"amount": "much"}', content_type="application/json")
    assert "amount" in answer.json()["errors"][0]["field"]


async def test_somebody_not_signed_in_is_sent_to_identity_and_back():
    answer = await AsyncClient().get("/?tab=logs")
    assert answer.status_code == 302
    assert "continue?next=" in answer["location"]
    assert "tab%3Dlogs" in answer["location"]


async def test_a_live_part_of_a_page_sends_the_whole_page_to_sign_in():
    answer = await AsyncClient().get("/", headers={"hx-request": "true"})
    assert (answer.status_code, "continue" in answer["hx-redirect"]) == (204, True)


async def test_a_signed_in_person_sees_the_page_under_a_strict_policy(token_for):
    client = AsyncClient()
    client.cookies["titan_access"] = await sync_to_async(token_for)()
    answer = await client.get("/")
    assert b"Hello" in answer.content
    assert "default-src 'none'" in answer["content-security-policy"]


async def test_a_missing_page_says_so_as_a_page(token_for):
    answer = await AsyncClient().get("/nothing/here")
    assert answer.status_code == 404
    assert b"belongs to somebody else" in answer.content


async def test_readiness_names_what_is_missing():
    answer = await AsyncClient().get("/readyz")
    assert answer.status_code == 503
    assert "signing key" in answer.json()["missing"][0]


async def test_a_callers_trace_is_continued(client):
    given = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    answer = await client.get("/api/v1/nothing", headers={"traceparent": given})
    assert answer.json()["trace_id"] == "a" * 32
