"""Files that come in with a form and go out as downloads, for the API and the pages alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, StreamingHttpResponse

from billing import queries, store
from billing.rules.files import LARGEST_FILE
from billing.store import Received
from service_base.callers import Caller
from service_base.downloads import CHUNK, file_download
from service_base.errors import BadInput, NotFound
from service_base.object_store import must_fit

# What a form adds around the file it carries.
_AROUND_A_FILE = 1 << 16
_FILE = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
# How a route that takes a file is described in the API document.
FILE_BODY = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FILE}}}}


def receive_upload(request: HttpRequest) -> tuple[Received, str]:
    """The file in the form's field `file`, on disk, and its name. Raises BadInput when there is none, TooLarge."""
    length = request.headers.get("content-length", "")
    if length.isdigit():
        must_fit(int(length) - _AROUND_A_FILE, LARGEST_FILE)
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise BadInput("Send the file as the form's field `file`.", field="file")
    return store.receive(_chunks(file)), file.name or "file"


async def download_for(caller: Caller, file_id: UUID) -> StreamingHttpResponse:
    """A request's file as a download. Raises NotFound for everybody who has no part in the request."""
    file = await sync_to_async(queries.file_seen_by)(caller, file_id)
    if file is None:
        raise NotFound("There is no such file, or it is not for you.")
    answer = await sync_to_async(file_download)(store.place(file.path), name=file.file_name, media_type=file.media_type)
    answer["Content-Security-Policy"] = "sandbox"  # no browser runs it by itself
    return answer


def _chunks(file: Any) -> Iterator[bytes]:
    yield from file.chunks(CHUNK)
