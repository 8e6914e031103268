"""What a foreign producer writes into headers parks its record and stops nobody."""

from __future__ import annotations

from typing import Any

import pytest

from event_bus.envelope import BadEnvelope, from_headers, id_in, to_headers

ID = "019a9f6e-0000-7000-8000-000000000001"
HEADERS = to_headers(
    event_id=ID, type_="titan.ml.x.v1", key="k", source="/ml", time="2026-01-02T03:04:05Z", traceparent="00-1"
)


def with_value(name: str, value: bytes | None) -> list[tuple[str, Any]]:
    """The headers with another value under that name."""
    return [(known, value if known == name else own) for known, own in HEADERS]


def test_what_was_written_is_read() -> None:
    envelope = from_headers(HEADERS)
    assert (str(envelope.id), envelope.type, envelope.subject) == (ID, "titan.ml.x.v1", "k")
    assert (envelope.source, envelope.time.year, envelope.traceparent) == ("/ml", 2026, "00-1")


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_source", "ce_time"])
def test_a_header_without_a_value_is_missing(name: str) -> None:
    with pytest.raises(BadEnvelope, match=f"header '{name}' is missing"):
        from_headers(with_value(name, None))


@pytest.mark.parametrize("name", ["ce_id", "ce_time"])
def test_a_header_that_cannot_be_read_is_told(name: str) -> None:
    with pytest.raises(BadEnvelope):
        from_headers(with_value(name, b"\xff"))


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"no id"])
def test_an_id_that_cannot_be_read_is_none(value: bytes | None) -> None:
    assert str(id_in(HEADERS)) == ID
    assert id_in(with_value("ce_id", value)) is None
    assert id_in([]) is None
