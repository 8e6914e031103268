"""The event map at identity: for operators only, as a page that stays current and as JSON."""

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from identity import commands
from identity.tests.conftest import PASSWORD
from service_base import bus_reports
from service_base.bus_reports import BusReport, connect
from shared_models.clock import utc_now
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)
CHANGED = "titan.billing.balances.changed.v1"


@pytest.fixture
async def board(monkeypatch):
    """A board of the test's own: one Valkey serves the tests of several services at once."""
    monkeypatch.setattr(bus_reports, "BOARD", f"titan:test:{new_id()}:")
    found = connect()
    yield found
    await found.delete(*(bus_reports.BOARD + service for service in bus_reports.SERVICES))
    await found.aclose()


@pytest.fixture
def operator(db):
    return commands.first_operator(password=PASSWORD)


async def tell(board, service, **changes):
    calm = {
        "started_at": utc_now(), "publishes": [], "listens_to": [], "sent": {}, "handled": {}, "lag": {},
        "lag_seconds": 0, "outbox_waiting": 0, "outbox_oldest_seconds": 0, "parked": 0, "breaker_open": False,
    }  # fmt: skip
    report = BusReport(service=service, instance="host:1", at=utc_now(), **calm | changes)
    await board.hset(bus_reports.BOARD + service, report.instance, report.model_dump_json())


async def browser(email):
    client = AsyncClient()
    answer = await client.post("/sign-in", {"email": email, "password": PASSWORD})
    assert answer.status_code == 302
    return client


@pytest.mark.parametrize("path", ["/system/events", f"/system/events/{CHANGED}"])
async def test_the_pages_are_for_operators_only(path, operator, person, signing_key, board):
    other = await sync_to_async(person)("ada")
    assert (await (await browser(operator.email)).get(path)).status_code == 200
    assert (await (await browser(other.email)).get(path)).status_code == 403
    assert (await AsyncClient().get(path)).status_code == 302


async def test_the_api_is_for_operators_only(operator, person, client_of, board):
    other = await sync_to_async(client_of)(await sync_to_async(person)("ada"))
    refused = await other.get("/api/v1/events/map")
    assert (refused.status_code, refused["content-type"]) == (403, "application/problem+json")
    assert (await AsyncClient().get("/api/v1/events/map")).status_code == 401


async def test_the_page_draws_who_says_what_to_whom(operator, signing_key, board):
    await tell(board, "billing", publishes=[CHANGED], sent={CHANGED: 4.0}, parked=3)
    await tell(board, "identity", listens_to=[CHANGED], handled={CHANGED: 3.5}, lag={"titan.billing.v1": 7})
    page = (await (await browser(operator.email)).get("/system/events")).content.decode()
    assert "billing to identity: 3,5/s" in page
    assert 'identity 3,5/s <span class="warn">7 behind</span>' in page
    assert "never heard of" in page
    assert 'id="parked-billing" href="http://127.0.0.1:8103/system/parked" class="bad">3<' in page


async def test_htmx_gets_the_changing_part_alone(operator, signing_key, board):
    client = await browser(operator.email)
    part = (await client.get("/system/events", headers={"hx-request": "true"})).content.decode()
    assert part.startswith('<div id="live"')
    assert "<html" not in part


async def test_the_json_says_the_same(operator, client_of, board):
    await tell(board, "billing", publishes=[CHANGED], sent={CHANGED: 4.0}, outbox_waiting=9)
    client = await sync_to_async(client_of)(operator)
    found = (await client.get("/api/v1/events/map")).json()
    [billing] = [one for one in found["services"] if one["service"] == "billing"]
    assert (billing["state"], billing["sent"], billing["outbox_waiting"]) == ("reports", 4.0, 9)
    assert found["events"] == [
        {"type": CHANGED, "topic": "titan.billing.v1", "producers": ["billing"], "sent": 4.0, "readers": []}
    ]


async def test_without_valkey_the_page_and_the_api_say_so(operator, client_of, signing_key, monkeypatch):
    monkeypatch.setattr(bus_reports.env(), "valkey_url", "redis://127.0.0.1:9/0")
    answer = await (await sync_to_async(client_of)(operator)).get("/api/v1/events/map")
    assert (answer.status_code, answer["content-type"]) == (503, "application/problem+json")
    page = await (await browser(operator.email)).get("/system/events")
    assert page.status_code == 503
    assert b"Valkey, where the workers report, does not answer" in page.content


async def test_a_type_has_a_page_with_its_schema_and_an_example(operator, signing_key, board):
    client = await browser(operator.email)
    page = (await client.get(f"/system/events/{CHANGED}")).content.decode()
    assert "urn:titan:schema" in page
    assert "user_balance" in page
    assert (await client.get("/system/events/titan.moon.landed.v1")).status_code == 404
