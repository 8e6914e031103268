"""CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_*` headers, the JSON body as it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from shared_models.events.contract import Envelope

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
    known = dict(headers)
    try:
        return Envelope(
            id=UUID(_text(known["ce_id"])),
            type=_text(known["ce_type"]),
            source=_text(known["ce_source"]),
            subject=_text(known.get("ce_subject", b"")),
            time=datetime.fromisoformat(_text(known["ce_time"])),
            traceparent=_text(known["traceparent"]) if "traceparent" in known else None,
        )
    except KeyError as missing:
        raise BadEnvelope(f"header {missing} is missing") from None
    except ValueError as error:
        raise BadEnvelope(str(error)) from None


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def id_in(headers: Iterable[tuple[str, bytes]]) -> UUID | None:
    """The event's id where the headers hold a readable one."""
    try:
        return UUID(_text(dict(headers).get("ce_id", b"")))
    except ValueError:
        return None
