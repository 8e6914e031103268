"""CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_*` headers, the JSON body as it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from shared_models.events.contract import Envelope
from shared_models.ids import read_id

Headers = list[tuple[str, bytes]]


class BadEnvelope(ValueError):
    """A record whose headers do not make a CloudEvent."""


def to_headers(*, event_id: str, type_: str, key: str, source: str, time: str, traceparent: str | None) -> Headers:
    """Kafka headers of an event; `time` in RFC 3339."""
    headers = [
        *_same_for_all(type_, source),
        ("ce_id", event_id.encode()),
        ("ce_time", time.encode()),
        ("ce_subject", key.encode()),
    ]
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    return headers


@lru_cache(maxsize=1024)
def _same_for_all(type_: str, source: str) -> Headers:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_source", source.encode()),
        ("ce_type", type_.encode()),
        ("ce_dataschema", f"urn:titan:schema:{type_}".encode()),
        ("content-type", b"application/json"),
    ]


def from_headers(headers: Iterable[tuple[str, bytes]]) -> Envelope:
    """The envelope of a Kafka record. Raises BadEnvelope naming what is missing or malformed."""
    # Kafka knows headers without a value; nobody here writes one.
    known = {name: value.decode("utf-8", "replace") for name, value in headers if value is not None}
    try:
        return Envelope(
            id=read_id(known["ce_id"]),
            type=known["ce_type"],
            source=known["ce_source"],
            subject=known.get("ce_subject", ""),
            time=datetime.fromisoformat(known["ce_time"]),
            traceparent=known.get("traceparent"),
        )
    except KeyError as missing:
        raise BadEnvelope(f"header {missing} is missing") from None
    except ValueError as error:
        raise BadEnvelope(str(error)) from None


def id_in(headers: Iterable[tuple[str, bytes]]) -> UUID | None:
    """The event's id where the headers hold a readable one."""
    try:
        return read_id((dict(headers).get("ce_id") or b"").decode("utf-8", "replace"))
    except ValueError:
        return None
