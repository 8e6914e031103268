"""Parked events are shown to operators only, whole and unchangeable, and are handled again by key or all together."""

import json

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.test import AsyncClient

from event_bus.models import ParkedEvent
from service_base.operations import parked
from service_base.principals.models import Principal
from service_base.testing import TokenClient
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)

TYPE = "titan.identity.team.changed.v1"
LIST = "/system/parked"


@pytest.fixture
def people(token_for):
    """Tokens of an operator and of somebody else."""

    def token(**claims):
        user = new_id()
        Principal.objects.create(pk=user, first_name="Olga", is_staff=claims.pop("is_staff", False), version=1)
        return token_for(sub=str(user))

    return {"operator": token(is_staff=True), "other": token()}


@pytest.fixture
def park(settings):
    """Sets an event aside: a team's change that can be handled now, unless its body says otherwise."""

    def make(key=None, *, body=None, error="the handler raised KeyError: 'x'", type_=TYPE, event_id=..., headers=None):
        team = key or new_id()
        event = new_id() if event_id is ... else event_id
        place = ParkedEvent.objects.count()
        known = {
            "ce_id": str(event),
            "ce_type": type_,
            "ce_source": "/titan/identity",
            "ce_time": "2026-07-01T10:00:00Z",
        }
        good = json.dumps({"team_id": str(team), "version": place + 1, "name": "Desk", "deleted": False}).encode()
        return ParkedEvent.objects.create(
            consumer=settings.TITAN_CONSUMER_GROUP, event_id=event, topic="titan.identity.v1", partition=0,
            offset=place, key=str(team), type=type_, headers=known if headers is None else headers,
            payload=good if body is None else body, error=error,
        )  # fmt: skip

    return make


def browser(token):
    client = AsyncClient()
    client.cookies["titan_access"] = token
    return client


def text(answer):
    return answer.content.decode()


async def left():
    return await sync_to_async(ParkedEvent.objects.count)()


async def test_pages_are_for_operators_only(people, park):
    row = await sync_to_async(park)()
    for path in (LIST, f"{LIST}/{row.pk}", f"{LIST}/{row.pk}/payload"):
        assert (await browser(people["operator"]).get(path)).status_code == 200
        assert (await browser(people["other"]).get(path)).status_code == 403
        assert (await AsyncClient().get(path)).status_code == 302


async def test_replaying_is_for_operators_only(people, park):
    row = await sync_to_async(park)()
    for path in (f"{LIST}/replay", f"{LIST}/{row.pk}/replay"):
        assert (await browser(people["other"]).post(path)).status_code == 403
        assert (await AsyncClient().post(path)).status_code == 302
        assert (await browser(people["operator"]).get(path)).status_code == 405
    assert await left() == 1


async def test_the_api_is_for_operators_only(people, park):
    row = await sync_to_async(park)()
    for method, path in (("get", ""), ("get", f"/{row.pk}"), ("post", "/replay")):
        other = getattr(TokenClient(people["other"]), method)
        answer = await other(f"/api/v1/events/parked{path}")
        assert (answer.status_code, answer["content-type"]) == (403, "application/problem+json")
    assert await left() == 1


async def test_only_operators_see_the_way_there(people):
    assert "/system/events" in text(await browser(people["operator"]).get("/"))
    assert "/system/events" not in text(await browser(people["other"]).get("/"))


async def test_the_list_shows_what_holds_a_key_up_and_how_many_wait_behind(people, park):
    team = new_id()
    first = await sync_to_async(park)(team)
    for _ in range(3):
        later = await sync_to_async(park)(team, error="waits behind a parked event of its key")
    page = text(await browser(people["operator"]).get(LIST))
    assert f"{LIST}/{first.pk}" in page
    assert f"{LIST}/{later.pk}" not in page
    assert 'data-label="Wait behind" class="num">3<' in page
    assert "KeyError: &#x27;x&#x27;" in page


async def test_the_list_narrows_to_a_type_or_a_key(people, park):
    mine, other = await sync_to_async(park)(), await sync_to_async(park)(type_="titan.moon.landed.v1")
    client = browser(people["operator"])
    for query in (f"?type={TYPE}", f"?key={mine.key}"):
        page = text(await client.get(LIST + query))
        assert (f"{LIST}/{mine.pk}" in page, f"{LIST}/{other.pk}" in page) == (True, False)


async def test_an_empty_list_says_what_would_be_there(people):
    assert "Nothing is parked" in text(await browser(people["operator"]).get(LIST))


async def test_an_event_is_shown_whole(people, park):
    error = "ValueError: " + "far too long to be shown in a list, " * 20 + "the end"
    row = await sync_to_async(park)(error=error)
    page = text(await browser(people["operator"]).get(f"{LIST}/{row.pk}"))
    assert "the end" in page
    assert "&quot;name&quot;: &quot;Desk&quot;" in page
    assert "ce_source" in page
    assert str(row.event_id) in page


async def test_a_body_that_is_no_text_is_shown_in_hexadecimal_and_comes_as_it_is(people, park):
    row = await sync_to_async(park)(body=b"\xff\xfe<b>" + bytes(10), headers={})
    client = browser(people["operator"])
    page = text(await client.get(f"{LIST}/{row.pk}"))
    assert "000000  ff fe 3c 62 3e 00" in page
    assert "..&lt;b&gt;." in page
    assert (await client.get(f"{LIST}/{row.pk}/payload")).content == bytes(row.payload)


async def test_nothing_on_the_pages_can_be_changed(people, park):
    row = await sync_to_async(park)()
    client = browser(people["operator"])
    page = text(await client.get(f"{LIST}/{row.pk}"))
    assert "<textarea" not in page
    for method in (client.put, client.patch, client.delete):
        assert (await method(f"{LIST}/{row.pk}")).status_code == 405


async def test_replaying_a_key_handles_it_and_what_waits_behind_and_says_so(people, park):
    team = new_id()
    first = await sync_to_async(park)(team)
    await sync_to_async(park)(team, error="waits behind a parked event of its key")
    other = await sync_to_async(park)()
    client = browser(people["operator"])
    answer = await client.post(f"{LIST}/{first.pk}/replay")
    assert (answer.status_code, answer["location"].endswith(LIST)) == (302, True)
    assert "2 events were handled; 1 still parked." in text(await client.get(LIST))
    assert [row.pk async for row in ParkedEvent.objects.all()] == [other.pk]


async def test_a_replay_that_fails_again_leads_back_to_the_event_and_its_new_reason(people, park):
    row = await sync_to_async(park)(body=b"{}")
    client = browser(people["operator"])
    answer = await client.post(f"{LIST}/{row.pk}/replay")
    assert answer["location"].endswith(f"{LIST}/{row.pk}")
    page = text(await client.get(f"{LIST}/{row.pk}"))
    assert "0 events were handled; 1 still parked." in page
    assert "team_id" in page
    assert "<dd>2</dd>" in page


async def test_all_are_replayed_together(people, park):
    for _ in range(3):
        await sync_to_async(park)()
    client = browser(people["operator"])
    await client.post(f"{LIST}/replay")
    assert "3 events were handled; nothing is parked any more." in text(await client.get(LIST))


async def test_an_event_that_was_handled_meanwhile_is_not_found(people, park):
    row = await sync_to_async(park)()
    await sync_to_async(ParkedEvent.objects.all().delete)()
    assert (await browser(people["operator"]).get(f"{LIST}/{row.pk}")).status_code == 404
    assert (await browser(people["operator"]).post(f"{LIST}/{row.pk}/replay")).status_code == 404


async def test_the_api_lists_by_type_and_key_with_what_waits_behind(people, park):
    team = new_id()
    await sync_to_async(park)(team, body=b"x" * 3000)
    await sync_to_async(park)(team)
    await sync_to_async(park)(type_="titan.moon.landed.v1")
    client = TokenClient(people["operator"])
    later, first = (await client.get(f"/api/v1/events/parked?type={TYPE}&key={team}")).json()["items"]
    assert (first["waits"], first["behind"], later["waits"], later["behind"]) == (False, 1, True, 0)
    assert (len(first["payload"]), first["payload_bytes"]) == (2000, 3000)
    whole = (await client.get(f"/api/v1/events/parked/{first['id']}")).json()
    assert (len(whole["payload"]), whole["headers"]["ce_type"]) == (3000, TYPE)


async def test_the_api_replays_one_events_key_or_all(people, park):
    row = await sync_to_async(park)()
    await sync_to_async(park)()
    client = TokenClient(people["operator"])
    one = await client.post(f"/api/v1/events/parked/replay?event_id={row.event_id}")
    assert one.json() == {"handled": 1, "parked": 1}
    assert (await client.post("/api/v1/events/parked/replay")).json() == {"handled": 1, "parked": 0}


async def test_the_api_says_what_is_wrong_with_an_id(people, park):
    client = TokenClient(people["operator"])
    unknown = await client.post(f"/api/v1/events/parked/replay?event_id={new_id()}")
    assert (unknown.status_code, unknown.json()["type"].endswith("not-found")) == (404, True)
    wrong = await client.post("/api/v1/events/parked/replay?event_id=7")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "event_id")
    assert (await client.get("/api/v1/events/parked/7")).status_code == 404


async def test_lists_leave_bodies_of_megabytes_in_the_database(people, park):
    await sync_to_async(park)(body=b"x" * 5_000_000)
    [row] = await sync_to_async(list)(parked.parked())
    assert (row.size, len(row.excerpt)) == (5_000_000, parked.EXCERPT)
    assert row.get_deferred_fields() == {"payload"}


async def test_a_database_that_fails_on_the_way_is_said_to_try_again(people, park, monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError("the server closed the connection\nsomething more")

    monkeypatch.setattr(parked, "replay", fail)
    answer = await TokenClient(people["operator"]).post("/api/v1/events/parked/replay")
    assert (answer.status_code, answer["content-type"]) == (503, "application/problem+json")
    assert "(the server closed the connection); what was handled stays" in answer.json()["detail"]


async def test_anybody_may_read_the_schema_of_an_event_under_the_name_that_events_carry():
    found = await AsyncClient().get(f"/api/v1/events/schemas/{TYPE}")
    assert found.json()["$id"] == f"urn:titan:schema:{TYPE}"
    assert (await AsyncClient().get("/api/v1/events/schemas/titan.moon.landed.v1")).status_code == 404
