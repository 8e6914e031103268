"""The same over a socket, as the web process is run: what a client that pours gets rid of, and what it hears."""

import asyncio
import contextlib

import pytest
import uvicorn

from service_base.handler import ApiHandler, ByPath, PageHandler
from service_base.incoming import Uploads
from service_base.threads import Threads

pytestmark = pytest.mark.django_db(transaction=True)
POURED = 60 << 20


@pytest.fixture
async def address():
    threads, uploads = Threads(1), Uploads()
    application = ByPath(api=ApiHandler(threads, uploads), pages=PageHandler(threads, uploads))
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    await serving


def head(*lines):
    asked = ["POST /api/v1/upload HTTP/1.1", "Host: localhost", f"Content-Length: {POURED}", *lines]
    return "\r\n".join([*asked, "", ""]).encode()


async def pour(writer):
    """Send until the server has none of it any more; how many bytes went out."""
    size, part = 0, bytes(1 << 16)
    with contextlib.suppress(ConnectionError):
        while size < POURED:
            writer.write(part)
            await writer.drain()
            size += len(part)
    return size


async def test_who_is_unknown_and_pours_sixty_mebibytes_gets_rid_of_a_few_mebibytes_and_hears_why(address):
    reader, writer = await asyncio.open_connection(*address)
    writer.write(head())
    said = asyncio.create_task(reader.readuntil(b"}"))
    sent = await asyncio.wait_for(pour(writer), 20)
    writer.close()
    answer = await said
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"unauthenticated" in answer
    assert sent < 16 << 20  # what the sockets on both sides hold, and what is still read


async def test_who_asks_before_sending_is_refused_before_sending(address):
    reader, writer = await asyncio.open_connection(*address)
    writer.write(head("Expect: 100-continue"))
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
    writer.close()
    assert answer == b"HTTP/1.1 401 Unauthorized\r\n"
