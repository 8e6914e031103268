"""The live log: let in, caught up, each line once, recovered or told that it is not."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.test import override_settings

from trading import commands, dashboards
from trading.asgi import application
from trading.models import BotRunLog
from trading.tests.sockets import Socket

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "timeseries"]),
    pytest.mark.usefixtures("exchanges"),
]
MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.fixture(autouse=True)
def _memory_layer():
    with override_settings(CHANNEL_LAYERS=MEMORY):
        yield


@pytest.fixture
async def run(bot, ada):
    return await sync_to_async(lambda: commands.start_run(user_id=ada.pk, bot_id=bot().pk, mode="paper"))()


@pytest.fixture
async def token(ada, token_of):
    return await sync_to_async(token_of)(ada)


def socket(run_id: Any, token: str = "", *, origin: str = "http://127.0.0.1:8104", cookie: bool = True) -> Socket:
    headers = [(b"origin", origin.encode()), (b"host", b"127.0.0.1:8104")]
    if token:
        sent = (b"cookie", f"titan_access={token}".encode())
        headers.append(sent if cookie else (b"authorization", f"Bearer {token}".encode()))
    return Socket(application, f"/ws/v1/runs/{run_id}", headers)


async def say(run: Any, count: int, *, start: int = 0) -> None:
    for n in range(start, start + count):
        await sync_to_async(commands.add_log)(run_id=run.pk, level="info", event="test.line", fields={"n": str(n)})


async def offsets(one: Socket, *, until: int) -> list[int]:
    """Offsets of the lines that come, in their order, until the line `until` came."""
    found: list[int] = []
    while not found or found[-1] < until:
        message = await one.heard()
        found += [line["offset"] for line in message.get("lines", [])]
    return found


async def refusal_of(one: Socket) -> int:
    await one.connect()
    return await one.closed_with()


async def test_a_viewer_gets_every_line_once_and_in_order_old_and_new(run, token):
    await say(run, 3)
    one = socket(run.pk, token)
    assert await one.connect()
    await one.resume(-1)
    assert await offsets(one, until=2) == [0, 1, 2]
    await say(run, 2, start=3)
    assert await offsets(one, until=4) == [3, 4]
    await one.leave()


async def test_a_viewer_who_comes_back_gets_what_it_missed_and_no_more(run, token):
    await say(run, 2)
    first = socket(run.pk, token)
    await first.connect()
    await first.resume(-1)
    await offsets(first, until=1)
    await first.leave()
    await say(run, 3, start=2)
    second = socket(run.pk, token, cookie=False)
    await second.connect()
    await second.resume(1)
    assert await offsets(second, until=4) == [2, 3, 4]
    await second.leave()


async def test_a_viewer_too_far_behind_is_told_and_given_the_newest(run, token, monkeypatch):
    monkeypatch.setattr(dashboards, "MOST_BEHIND", 5)
    monkeypatch.setattr(dashboards, "SNAPSHOT", 3)
    await say(run, 10)
    one = socket(run.pk, token)
    await one.connect()
    await one.resume(-1)
    message = await one.heard()
    assert (message["type"], message["recovered"]) == ("snapshot", False)
    assert [line["offset"] for line in message["lines"]] == [7, 8, 9]
    await one.leave()


async def test_an_offset_from_another_database_is_answered_with_a_snapshot(run, token):
    await say(run, 2)
    one = socket(run.pk, token)
    await one.connect()
    await one.resume(500)
    assert (await one.heard())["recovered"] is False
    await one.leave()


async def test_lines_of_a_step_that_was_never_committed_are_not_shown(run, token):
    await say(run, 1)
    from shared_models.clock import utc_now

    orphan = {"run_id": run.pk, "offset": 1, "timestamp": utc_now(), "level": "info", "event": "orphan"}
    await BotRunLog.objects.acreate(**orphan)
    one = socket(run.pk, token)
    await one.connect()
    await one.resume(-1)
    assert await offsets(one, until=0) == [0]
    await say(run, 1)
    message = await one.heard()
    while "lines" not in message:
        message = await one.heard()
    assert [(line["offset"], line["event"]) for line in message["lines"]] == [(1, "test.line")]
    await one.leave()


async def test_a_viewer_without_token_is_asked_to_sign_in(run):
    assert await refusal_of(socket(run.pk)) == 4401


async def test_another_persons_run_and_no_run_look_the_same(run, person, token_of):
    stranger = await sync_to_async(lambda: token_of(person()))()
    codes = [await refusal_of(socket(which, stranger)) for which in (run.pk, uuid4())]
    assert codes == [4404, 4404]


async def test_another_sites_page_is_not_let_in(run, token):
    assert not (await socket(run.pk, token, origin="https://evil.example").connect())


async def test_a_first_message_that_is_no_offset_ends_the_socket(run, token):
    one = socket(run.pk, token)
    await one.connect()
    await one.say("hello")
    assert await one.closed_with() == dashboards.BAD_MESSAGE


async def test_a_reader_who_takes_nothing_is_let_go(run, token, monkeypatch):
    monkeypatch.setattr(dashboards, "SEND_SECONDS", 0.05)

    async def stuck(self: Any, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(dashboards.RunDashboard, "send", stuck)
    await say(run, 1)
    one = socket(run.pk, token)
    await one.connect()
    await one.resume(-1)
    assert await one.closed_with() == 1013
