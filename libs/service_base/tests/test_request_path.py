"""The way of a request: the API's lean handler, its lent threads, and what must not go wrong between requests."""

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

from event_bus import tracing
from event_bus.models import PublishedCount
from service_base import handler
from service_base.handler import ApiHandler, ByPath, PageHandler
from service_base.incoming import Uploads
from service_base.tests.probe import api
from service_base.tests.serving import Answer, Asking
from service_base.threads import Loan, Threads

pytestmark = pytest.mark.django_db(transaction=True)
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture
def threads():
    made = Threads(8)
    yield made
    for lent in made._free:
        lent.executor.submit(connections.close_all).result(5)
        lent.executor.shutdown()


@pytest.fixture
def application(threads):
    api.happened.clear()
    api.gate.clear()
    uploads = Uploads()
    yield ByPath(api=ApiHandler(threads, uploads), pages=PageHandler(threads, uploads))
    api.gate.set()


async def until(true, seconds=10.0):
    """Wait for what other tasks and threads are about to do."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


async def test_an_error_nobody_foresaw_is_a_problem_with_a_trace(ask, token_for):
    token = await sync_to_async(token_for)()
    answer = await ask("GET", "/api/v1/broken", headers={"authorization": f"Bearer {token}", "traceparent": TRACE})
    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
    assert (answer.json()["trace_id"], "ZeroDivision" in answer.body.decode()) == ("a" * 32, False)


async def test_no_route_is_a_404_problem(ask):
    answer = await ask("GET", "/api/v1/nothing/here")
    assert (answer.status, answer.json()["type"].rsplit("/", 1)[1]) == (404, "not-found")


async def test_a_route_asked_with_another_method_is_a_405_problem_that_names_those_it_has(ask):
    answer = await ask("DELETE", "/api/v1/upload")
    assert (answer.status, answer.headers["allow"], answer.headers["content-type"]) == (
        405, "POST", "application/problem+json"
    )  # fmt: skip


async def test_addresses_are_remembered_with_their_own_parts_and_not_without_end(application, ask, monkeypatch):
    api.gate.set()
    monkeypatch.setattr(handler, "MOST_ROUTES", 2)
    for name in ("a", "b", "c", "b"):
        answer = await ask("POST", f"/api/v1/written/{name}?keep=false")
        assert answer.status == 500
    assert api.happened == ["a", "b", "c", "b"]
    assert len(application._api._routes) <= 2


async def test_an_address_that_is_not_text_is_a_problem(ask):
    answer = await ask("GET", "/api/v1/who?" + "\xff")
    assert answer.status in {400, 401}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_head_is_answered_like_get_with_the_length_a_get_would_have(ask):
    asked, headed = await ask("GET", "/api/v1/backend"), await ask("HEAD", "/api/v1/backend")
    assert headed.status == 200
    assert headed.headers["content-length"] == asked.headers["content-length"] == str(len(asked.body))


async def test_answers_tell_the_browser_that_they_are_data(ask):
    answer = await ask("GET", "/api/v1/backend")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_pages_and_the_apis_documents_keep_the_pages_own_middleware(ask):
    page, documents = await ask("GET", "/nothing"), await ask("GET", "/api/v1/docs")
    assert (page.status, documents.status) == (404, 200)
    assert "script-src" in page.headers["content-security-policy"]
    assert "script-src" in documents.headers["content-security-policy"]


async def test_a_body_of_many_parts_arrives_whole(hers):
    parts = [bytes([number]) * 300_000 for number in range(40)]
    answer = await hers("POST", "/api/v1/upload", *parts, headers={"content-type": "application/octet-stream"})
    assert answer.json() == {"size": 12_000_000}


async def test_a_file_in_a_form_arrives_whole(hers):
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: text/csv\r\n\r\n'
    body = head + b"1,2,3\n" * 1_000_000 + b"\r\n--x--\r\n"
    parts = [body[start : start + 65_536] for start in range(0, len(body), 65_536)]
    headers = {"content-type": "multipart/form-data; boundary=x", "content-length": str(len(body))}
    answer = await hers("POST", "/api/v1/form", *parts, headers=headers)
    assert answer.json() == {"size": 6_000_000}


async def test_two_requests_at_once_have_transactions_of_their_own(ask):
    kept = asyncio.create_task(ask("POST", "/api/v1/written/kept?keep=true"))
    undone = asyncio.create_task(ask("POST", "/api/v1/written/undone?keep=false"))
    await until(lambda: len(api.happened) == 2)
    api.gate.set()
    assert (await kept).json() == {"seen": ["kept"]}
    assert (await undone).status == 500
    assert await sync_to_async(lambda: list(PublishedCount.objects.values_list("type", flat=True)))() == ["kept"]


async def test_the_next_request_heals_a_connection_that_the_server_ended(ask):
    pid = (await ask("GET", "/api/v1/backend")).json()["pid"]
    await sync_to_async(end)(pid)
    answers = [await ask("GET", "/api/v1/backend") for _ in range(2)]
    assert answers[-1].status == 200
    assert answers[-1].json()["pid"] != pid


async def test_one_broken_connection_has_the_other_threads_try_theirs_first(ask, threads):
    api.gate.set()
    await asyncio.gather(*(ask("POST", f"/api/v1/written/{number}?keep=true") for number in range(4)))
    await sync_to_async(end_all)()
    answers = [await ask("GET", "/api/v1/backend")]
    answers += await asyncio.gather(*(ask("GET", "/api/v1/backend") for _ in range(8)))
    assert sum(answer.status != 200 for answer in answers) <= 1


async def test_a_rested_connection_is_tried_before_it_is_used(ask, monkeypatch):
    monkeypatch.setattr("service_base.threads.RESTED_SECONDS", 0.0)
    pid = (await ask("GET", "/api/v1/backend")).json()["pid"]
    await sync_to_async(end)(pid)
    assert (await ask("GET", "/api/v1/backend")).status == 200


async def test_requests_one_after_another_share_a_connection(ask):
    pids = {(await ask("GET", "/api/v1/backend")).json()["pid"] for _ in range(10)}
    assert len(pids) == 1


async def test_a_trace_ends_with_its_request(ask):
    first = (await ask("GET", "/api/v1/trace", headers={"traceparent": TRACE})).json()
    second = (await ask("GET", "/api/v1/trace")).json()
    assert (first["here"], first["there"], first["thread"]) == (TRACE, TRACE, second["thread"])
    assert second["here"] == second["there"] != TRACE
    assert tracing.current_traceparent() is None


async def test_requests_at_once_have_traces_of_their_own(ask):
    given = [f"00-{number:032x}-{'b' * 16}-01" for number in range(1, 41)]
    answers = await asyncio.gather(*(ask("GET", "/api/v1/trace", headers={"traceparent": one}) for one in given))
    assert [answer.json()["there"] for answer in answers] == given


async def test_two_hundred_requests_at_once_are_all_answered_by_eight_threads(ask):
    asked = [asyncio.create_task(ask("GET", f"/api/v1/waits?name={number}")) for number in range(200)]
    await until(lambda: len(api.happened) == 8)
    api.gate.set()
    answers = await asyncio.gather(*asked)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()["thread"] for answer in answers}) == 8


async def test_whoever_waited_longest_gets_the_next_thread(threads):
    first, *others = [Loan(threads) for _ in range(20)]
    threads._free = threads._free[:1]
    done = []
    futures = [loan.submit(done.append, number) for number, loan in enumerate([first, *others])]
    for loan, future in zip([first, *others], futures, strict=True):
        await asyncio.wait_for(asyncio.wrap_future(future), 10)
        loan.end()
    assert done == list(range(20))


async def test_reads_without_a_thread_are_answered_while_all_threads_are_out(ask):
    asked = [asyncio.create_task(ask("GET", f"/api/v1/waits?name={number}")) for number in range(20)]
    await until(lambda: len(api.happened) == 8)
    assert (await asyncio.wait_for(ask("GET", "/api/v1/nothing"), 8)).status == 404
    api.gate.set()
    await asyncio.gather(*asked)


async def test_whoever_waits_for_a_thread_and_goes_leaves_the_line(ask, threads):
    asked = [asyncio.create_task(ask("GET", f"/api/v1/waits?name={number}")) for number in range(10)]
    await until(lambda: len(api.happened) == 8)
    asked[8].cancel()
    await asyncio.wait(asked[8:9])
    api.gate.set()
    await asyncio.gather(*asked[:8], asked[9])
    assert "8" not in api.happened
    assert len(threads._free) == 8


async def test_a_client_that_goes_ends_what_takes_long(application, monkeypatch):
    monkeypatch.setattr(handler, "WATCHED_AFTER_SECONDS", 0.01)
    ask = Asking(application)
    asked = asyncio.create_task(ask("GET", "/api/v1/long"))
    await until(lambda: api.happened == ["began"])
    ask.gone.set()
    await asyncio.wait_for(asked, 5)
    assert api.happened == ["began", "cancelled"]


async def test_a_thread_whose_client_went_is_lent_again_only_when_its_work_has_ended(application, threads, monkeypatch):
    monkeypatch.setattr(handler, "WATCHED_AFTER_SECONDS", 0.01)
    ask = Asking(application)
    asked = asyncio.create_task(ask("GET", "/api/v1/waits?name=left"))
    await until(lambda: api.happened == ["left"])
    ask.gone.set()
    await asyncio.wait_for(asked, 5)
    assert len(threads._free) == 7
    api.gate.set()
    await until(lambda: len(threads._free) == 8)


async def test_a_stream_goes_on_its_own_thread_and_ends_when_its_client_goes(application, threads):
    ask, answer = Asking(application), Answer()
    asked = asyncio.create_task(ask("GET", "/api/v1/stream", answer=answer))
    await until(lambda: answer.body.endswith(b"."))
    assert (len(threads._free), answer.status) == (8, 200)
    before, after = answer.body.decode().rstrip(".").split()
    assert before != after
    ask.gone.set()
    await asyncio.wait_for(asked, 5)
    assert api.happened == ["ended"]


async def test_a_write_under_one_key_happens_once_however_many_ask_at_once(ask, token_for):
    headers = {"authorization": f"Bearer {await sync_to_async(token_for)()}", "idempotency-key": "k"}
    asked = (ask("POST", "/api/v1/write", b'{"amount": 5}', headers=headers) for _ in range(20))
    answers = await asyncio.gather(*asked)
    assert {(answer.status, answer.body) for answer in answers} == {(201, b'{"count": 5}')}


def end(pid):
    """As an administrator would end one session of the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def end_all():
    """End every other session of this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_threads_are_started_only_when_they_are_needed():
    before = threading.active_count()
    Threads(8)
    assert threading.active_count() <= before  # one that a test before this one left may end just now
