"""How much is taken of whom: a little of anybody, the rest of those who are known and may, few at a time."""

import asyncio
import contextlib

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from service_base import bodies, handler, incoming
from service_base.incoming import FREE, MOST_AT_ONCE, Uploads
from service_base.tests.probe import api
from service_base.tests.serving import Asking
from service_base.threads import Threads
from shared_models.ids import new_id

pytestmark = pytest.mark.django_db(transaction=True)
PART = bytes(1 << 16)
CHUNKED = {"transfer-encoding": "chunked"}


@pytest.fixture
def application():
    threads, uploads = Threads(2), Uploads()
    yield handler.ByPath(api=handler.ApiHandler(threads, uploads), pages=handler.PageHandler(threads, uploads))
    for lent in threads._free:
        lent.executor.shutdown()


@pytest.fixture(autouse=True)
def spooled(monkeypatch):
    """The bodies that were spooled."""
    found, spool = [], handler.ApiHandler.read_body

    async def spooling(self, receive):
        found.append(receive)
        return await spool(self, receive)

    monkeypatch.setattr(handler.ApiHandler, "read_body", spooling)
    monkeypatch.setattr(handler.PageHandler, "read_body", spooling)
    return found


def long(parts):
    return {"content-length": str(len(PART) * parts)}


def slug(answer):
    return answer.json()["type"].rsplit("/", 1)[1]


@pytest.mark.parametrize("token", [None, "Bearer nonsense", "Bearer tk_nonsense"])
async def test_a_large_body_of_somebody_unknown_is_a_401_problem_and_is_not_spooled(ask, token, spooled, monkeypatch):
    monkeypatch.setattr("service_base.principals.source._ask_identity", lambda key, key_hash: False)
    headers = long(1000) | ({"authorization": token} if token else {})
    answer = await ask("POST", "/api/v1/upload", *[PART] * 1000, headers=headers)
    assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")
    assert (slug(answer), answer.headers["connection"], spooled) == ("unauthenticated", "close", [])


async def test_nothing_of_it_is_taken_before_the_answer_and_a_little_after_it(ask):
    answer = await ask("POST", "/api/v1/upload", *[PART] * 1000, headers=long(1000))
    assert answer.taken_before == 0
    assert answer.taken == bodies.LINGER_BYTES


async def test_a_body_without_a_length_is_taken_until_it_is_large(ask, spooled):
    answer = await ask("POST", "/api/v1/upload", *[PART] * 1000, headers=CHUNKED)
    assert (answer.status, spooled) == (401, [])
    assert FREE < answer.taken_before <= FREE + len(PART)


async def test_who_sends_slowly_is_waited_for_only_a_moment(ask, monkeypatch):
    monkeypatch.setattr(bodies, "LINGER_SECONDS", 0.05)
    ask.stalls = True
    answer = await asyncio.wait_for(ask("POST", "/api/v1/upload", PART, headers=long(1000)), 5)
    assert (answer.status, answer.ended) == (401, True)


async def test_a_key_that_lacks_the_scope_sends_no_large_body(hers, monkeypatch):
    known = incoming.Caller

    async def limited(text):
        return known(type("Person", (), {"pk": new_id()})(), frozenset({"ml:read"}))

    monkeypatch.setattr("service_base.auth.caller_of", limited)
    answer = await hers("POST", "/api/v1/training/upload", *[PART] * 100, headers=long(100))
    assert (answer.status, answer.json()["scope"], answer.taken_before) == (403, "ml:train", 0)


async def test_no_large_body_is_taken_where_no_route_is(hers):
    answer = await hers("POST", "/api/v1/nothing", *[PART] * 100, headers=long(100))
    assert (answer.status, answer.taken_before) == (404, 0)


async def test_an_address_for_everybody_takes_little_of_anybody(ask):
    small = await ask("POST", "/api/v1/report", bytes(FREE), headers={"content-length": str(FREE)})
    large = await ask("POST", "/api/v1/report", *[PART] * 100, headers=long(100))
    assert (small.status, small.json()) == (200, {"size": FREE})
    assert (large.status, slug(large), large.taken_before) == (413, "too-large", 0)


@pytest.mark.parametrize("headers", [long(100), CHUNKED])
async def test_a_large_body_of_a_known_caller_arrives_whole(hers, headers):
    answer = await hers("POST", "/api/v1/upload", *[PART] * 100, headers=headers)
    assert answer.json() == {"size": len(PART) * 100}
    assert "connection" not in answer.headers


async def test_a_page_takes_no_large_body_of_somebody_unknown(ask, spooled):
    answer = await ask("POST", "/", *[PART] * 1000, headers=long(1000))
    assert (answer.status, "sign in, then send it again" in answer.body.decode()) == (401, True)
    assert (answer.taken_before, spooled) == (0, [])


async def test_a_page_takes_a_large_body_of_somebody_signed_in(application, token_for):
    hers = Asking(application, {"cookie": f"a=b; titan_access={await sync_to_async(token_for)()}"})
    answer = await hers("POST", "/", *[PART] * 100, headers=long(100))
    assert (answer.status, answer.taken_before) == (403, len(PART) * 100)  # the form's own token is missing


async def test_a_person_has_few_uploads_at_once_and_is_told_when_to_come_back(hers, token_for):
    asked = await begun(hers, MOST_AT_ONCE)
    refused = await hers("POST", "/api/v1/upload", *[PART] * 100, headers=long(100))
    assert (refused.status, slug(refused), refused.headers["retry-after"]) == (429, "too-fast", "5")
    other = Asking(hers.application, {"authorization": f"Bearer {await sync_to_async(token_for)()}"})
    assert (await other("POST", "/api/v1/upload", *[PART] * 100, headers=long(100))).status == 200
    await end(hers, asked)
    assert (await hers("POST", "/api/v1/upload", *[PART] * 100, headers=long(100))).status == 200


async def test_bodies_that_fit_into_memory_are_not_counted(hers):
    asked = await begun(hers, MOST_AT_ONCE)
    assert (await hers("POST", "/api/v1/upload", *[PART] * 4, headers=long(4))).status == 200
    await end(hers, asked)


async def begun(hers, count):
    """So many uploads of which the end does not come."""
    hers.stalls = True
    asked = [asyncio.create_task(hers("POST", "/api/v1/upload", PART, headers=long(100))) for _ in range(count)]
    async with asyncio.timeout(5):
        while hers.stalled < count:
            await asyncio.sleep(0.005)
    hers.stalls = False
    return asked


async def end(hers, asked):
    hers.gone.set()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.gather(*asked), 5)
    hers.gone.clear()


async def test_a_client_that_goes_while_it_sends_ends_its_request_and_nothing_else(hers):
    [asked] = await begun(hers, 1)
    hers.gone.set()
    answer = await asyncio.wait_for(asked, 5)
    assert (answer.status, api.happened) == (0, [])


async def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes(ask):
    largest = settings.TITAN_LARGEST_BODY
    answer = await ask("POST", "/api/v1/upload", b"x", headers={"content-length": str(largest + 1)})
    assert (answer.status, slug(answer), answer.taken_before) == (413, "too-large", 0)
    assert f"{largest >> 20} MiB" in answer.json()["detail"]


async def test_a_body_that_turns_out_too_long_is_refused_when_it_does(application, hers):
    application._largest = 1 << 20
    answer = await hers("POST", "/api/v1/upload", *[bytes(1 << 19)] * 4, headers=CHUNKED)
    assert (answer.status, answer.headers["content-type"]) == (413, "application/problem+json")


async def test_a_page_says_in_words_that_a_body_is_too_long(ask):
    length = str(settings.TITAN_LARGEST_BODY + 1)
    answer = await ask("POST", "/page", b"x", headers={"content-length": length})
    assert (answer.status, "send a part of it" in answer.body.decode()) == (413, True)


async def test_a_disk_that_fills_up_under_a_body_is_one_sentence(hers, monkeypatch):
    def full(*given, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("django.core.handlers.asgi.tempfile.SpooledTemporaryFile", full)
    answer = await hers("POST", "/api/v1/upload", PART, PART, headers=long(2))
    assert (answer.status, slug(answer)) == (503, "store-full")
