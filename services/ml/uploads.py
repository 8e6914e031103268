"""Files that come in with a request, as a form or as the body itself, streamed to disk either way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.http import HttpRequest

from ml.jobs.protocol import Hear, Message
from ml.rules.readings import AT_ONCE_SECONDS, READ_AT_ONCE
from ml.store import LARGEST_UPLOAD, Received, adopt, receive
from service_base.errors import BadInput
from service_base.object_store import must_fit

CHUNK = 1 << 20

# How a route that takes a file is described in the API document.
FILE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
            },
            "text/csv": {"schema": {"type": "string"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class TakesLong(Exception):
    """Reading a file takes longer than its request should wait, small as it is: it has to be read as work."""


def impatient() -> Hear:
    """What a reading within a request is heard with: it gives up with TakesLong after a few seconds."""
    until = monotonic() + AT_ONCE_SECONDS

    def hear(messages: list[Message]) -> None:
        if monotonic() >= until:
            raise TakesLong

    return hear


class Upload:
    """A file and the fields that came with it."""

    def __init__(self, received: Received, fields: Mapping[str, str]) -> None:
        self.received, self.fields = received, fields

    def text(self, name: str, default: str = "") -> str:
        """A field's text."""
        return self.fields.get(name, default)

    def names(self, name: str) -> list[str]:
        """A field that holds column names: a JSON list, or names with commas between."""
        text = self.fields.get(name, "").strip()
        if text.startswith("["):
            found = _json(name, text)
            if not isinstance(found, list):
                raise BadInput(f"{name} is a list of column names.", field=name)
            return [str(entry) for entry in found]
        return [part.strip() for part in text.split(",") if part.strip()]

    def mapping(self, name: str) -> dict[str, Any]:
        """A field that holds a JSON object."""
        text = self.fields.get(name, "").strip()
        found = _json(name, text) if text else {}
        if not isinstance(found, dict):
            raise BadInput(f"{name} is a JSON object.", field=name)
        return found

    def number(self, name: str, default: int) -> int:
        """A field that holds a whole number."""
        text = self.fields.get(name, "").strip()
        try:
            return int(text) if text else default
        except ValueError:
            raise BadInput(f"{name} is a whole number.", field=name) from None

    def id(self, name: str) -> UUID | None:
        """A field that holds an id."""
        text = self.fields.get(name, "").strip()
        try:
            return UUID(text) if text else None
        except ValueError:
            raise BadInput(f"{name} is an id.", field=name) from None

    @property
    def is_large(self) -> bool:
        """Whether reading it takes longer than a request should wait."""
        return self.received.size >= READ_AT_ONCE

    @property
    def identity(self) -> dict[str, Any]:
        """What makes two uploads the same one."""
        return {"sha256": self.received.sha256, **self.fields}


def receive_upload(request: HttpRequest) -> Upload:
    """The request's file, on disk. Raises BadInput when there is none, TooLarge, StoreFull."""
    length = request.headers.get("content-length", "")
    if length.isdigit():
        must_fit(int(length), LARGEST_UPLOAD)
    query = {name: value for name, value in request.GET.items() if isinstance(value, str)}
    if request.content_type == "multipart/form-data":
        return _from_form(request, query)
    name = query.get("file_name") or "table"
    received = receive(iter(lambda: request.read(CHUNK), b""), name=name)
    return Upload(received, query)


def _from_form(request: HttpRequest, query: Mapping[str, str]) -> Upload:
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise BadInput("Send the table as the form's field `file`.", field="file")
    form = {name: value for name, value in request.POST.items() if isinstance(value, str)}
    name = file.name or "table"
    if isinstance(file, TemporaryUploadedFile):
        return Upload(adopt(Path(file.temporary_file_path()), name=name), {**query, **form})
    return Upload(receive(file.chunks(CHUNK), name=name), {**query, **form})


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadInput(f"{name} is not readable JSON.", field=name) from None
