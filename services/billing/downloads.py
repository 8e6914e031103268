"""Tables that go out while they are read, without blocking the other requests of the process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from service_base.downloads import CSV


def csv_download(pieces: Iterator[str], *, name: str) -> StreamingHttpResponse:
    """The pieces of a CSV file as a download called `name`; each is read when the one before it has been sent."""
    answer = StreamingHttpResponse(_sent(pieces), content_type=CSV)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


async def _sent(pieces: Iterator[str]) -> AsyncIterator[bytes]:
    while (piece := await sync_to_async(_next)(pieces)) is not None:
        yield piece.encode()


def _next(pieces: Iterator[str]) -> str | None:
    return next(pieces, None)
