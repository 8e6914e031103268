"""Files that go out, read in chunks without blocking the other requests of the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

CHUNK = 1 << 18
CSV = "text/csv; charset=utf-8"


def file_download(path: Path, *, name: str, media_type: str) -> StreamingHttpResponse:
    """The file as a download called `name`."""
    answer = StreamingHttpResponse(_chunks(path), content_type=media_type)
    answer["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    answer["Content-Length"] = str(path.stat().st_size)
    return answer


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    file = await sync_to_async(lambda: path.open("rb"))()
    try:
        while chunk := await sync_to_async(file.read)(CHUNK):
            yield chunk
    finally:
        file.close()
