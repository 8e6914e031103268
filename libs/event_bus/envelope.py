"""CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_*` headers, the JSON body as it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from event_bus.models import OutboxEvent
from shared_models.clock import rfc3339
from shared_models.events.contract import Envelope


class BadEnvelope(ValueError):
    """A record whose headers do not make a CloudEvent."""


def to_headers(row: OutboxEvent) -> list[tuple[str, bytes]]:
    """Kafka headers of an outbox row."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(row.event_id),
        "ce_source": row.headers["source"],
        "ce_type": row.type,
        "ce_time": rfc3339(row.occurred_at),
        "ce_subject": row.key,
        "ce_dataschema": f"urn:titan:schema:{row.type}",
        "content-type": "application/json",
    }
    if "traceparent" in row.headers:
        attributes["traceparent"] = row.headers["traceparent"]
    return [(name, value.encode()) for name, value in attributes.items()]


def from_headers(headers: Iterable[tuple[str, bytes]]) -> Envelope:
    """The envelope of a Kafka record. Raises BadEnvelope naming what is missing or malformed."""
    known = {name: value.decode("utf-8", "replace") for name, value in headers}
    try:
        return Envelope(
            id=UUID(known["ce_id"]),
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
