"""What operators see of the installation: events flow on the map, and what is parked is read and replayed."""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import browsing
import pytest
import world
from aiokafka import AIOKafkaProducer

from shared_models.events import golden
from shared_models.events.ml import WorkFailed

expect = pytest.importorskip("playwright.sync_api", reason="deploy/setup.sh test e2e installs it").expect
MAP, PARKED = "/system/events", "/system/parked"


def say(bootstrap: str, key: str, body: bytes) -> None:
    """An event of ml's that its own code would never write."""
    headers = {"ce_specversion": "1.0", "ce_id": str(uuid4()), "ce_source": "/titan/ml", "ce_type": WorkFailed.TYPE,
               "ce_time": "2026-07-01T10:00:00Z", "ce_subject": key, "content-type": "application/json"}  # fmt: skip

    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        await producer.start()
        await producer.send_and_wait(
            "titan.ml.v1", body, key.encode(), headers=[(name, value.encode()) for name, value in headers.items()]
        )
        await producer.stop()

    with ThreadPoolExecutor(1) as elsewhere:  # this thread's loop is the browser's
        elsewhere.submit(lambda: asyncio.run(send())).result()


@pytest.fixture
def poison(stack, operator):
    """Two events of one key: one whose body is cut off, and a sound one that has to wait behind it; the key."""
    key, kafka = str(uuid4()), f"127.0.0.1:{stack.port('kafka')}"
    sound = json.loads(golden.examples()[WorkFailed.TYPE][-1].read_text()) | {"work_id": key}
    say(kafka, key, json.dumps(sound).encode()[:-20])
    world.until(lambda: parked(operator, key) or None, "the event to be parked")
    say(kafka, key, json.dumps(sound).encode())
    world.until(lambda: len(parked(operator, key)) == 2 or None, "the other event of its key to wait")
    return key


def parked(operator, key):
    return operator.person.get("billing", "events/parked", key=key)["items"]


def test_the_map_shows_all_services_at_work_and_stays_current(operator, ada):
    page = operator.open("identity", MAP)
    for service in ("identity", "ml", "billing", "trading", "scheduler"):
        row = page.get_by_role("row").filter(has=page.locator(f"#parked-{service}"))
        expect(row.get_by_text("reports", exact=True)).to_be_visible()
    page.evaluate("window.sameDocument = true")
    world.top_up(ada, "3")
    flow = page.get_by_role("row").filter(has=page.get_by_role("link", name="balances.changed.v1"))
    expect(flow.locator("[data-label=Rate]")).not_to_have_text("0/s")
    expect(page.get_by_role("img")).to_have_attribute("aria-label", re.compile("billing to identity"))
    assert page.evaluate("window.sameDocument === true")
    assert operator.watched.all_errors() == []


def test_the_focus_stays_on_a_link_of_the_map_while_it_is_redrawn(operator):
    page = operator.open("identity", MAP)
    page.locator("#parked-billing").focus()
    shown = page.locator("#live time").first.inner_text()
    expect(page.locator("#live time").first).not_to_have_text(shown)
    expect(page.locator("#parked-billing")).to_be_focused()


def test_a_parked_event_is_found_read_and_replayed(operator, poison):
    del operator.watched.errors[:]
    page = operator.open("identity", MAP)
    page.locator("#parked-billing").click()
    page.get_by_role("searchbox", name="Key").fill(poison)
    page.get_by_role("button", name="Show").click()
    row = page.get_by_role("row").filter(has_text=poison)
    expect(row).to_have_count(1)
    expect(row.locator("[data-label='Wait behind']")).to_have_text("1")
    row.get_by_role("link", name=WorkFailed.TYPE).click()
    expect(page.get_by_text("text that is no JSON")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Invalid JSON")
    page.set_viewport_size(browsing.PHONE)
    assert browsing.too_wide(page) == []
    page.set_viewport_size(browsing.DESKTOP)
    page.get_by_role("button", name="Replay this key").click()
    expect(page.get_by_role("status")).to_contain_text("0 events were handled")
    expect(page.get_by_role("definition").filter(has_text=re.compile(r"^2$"))).to_be_visible()
    assert operator.watched.all_errors() == []


@pytest.mark.parametrize(("service", "path"), [("identity", MAP), ("billing", PARKED)])
def test_nobody_but_operators_sees_them_or_the_way_there(bo, service, path):
    answer = bo.page.goto(bo.url(service, path))
    assert answer is not None
    assert answer.status == 403
    expect(bo.page.get_by_role("link", name="System")).to_have_count(0)
