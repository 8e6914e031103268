"""Ids that follow from a cause: the same for ever, whatever makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared_models.ids import dated_id, derived_id, text_of

moments = st.datetimes(min_value=datetime(1970, 1, 2), timezones=st.just(UTC))
parts = st.lists(st.one_of(st.text(), st.integers(), st.uuids()), max_size=4)


@given(at=moments, parts=parts)
def test_a_dated_id_is_48_bits_of_milliseconds_then_a_hash_as_rfc_9562_lays_out_version_8(
    at: datetime, parts: list[object]
) -> None:
    hashed = int.from_bytes(sha256("\x1f".join(str(part) for part in parts).encode()).digest()[:10], "big")
    made = dated_id(at, *parts)

    assert made.version == 8
    assert made.int >> 80 == int(at.timestamp() * 1000)
    assert made.int >> 64 & 0xFFF == hashed >> 64 & 0xFFF
    assert made.int & (2**62 - 1) == hashed & (2**62 - 1)
    assert made.int >> 62 & 0b11 == 0b10


def test_ids_of_rows_that_were_written_before_are_found_again() -> None:
    at = datetime(2026, 3, 1, 12, 30, 0, 123456, UTC)

    assert dated_id(at, "journal", "ml", "solving:1") == UUID("019ca960-81bb-8b96-b6ba-91bacaea17e6")
    assert derived_id("billing", "platform") == UUID("6f4cdc59-802e-5316-9489-1860d257e4a7")


@given(id_=st.uuids())
def test_the_text_of_an_id_is_the_one_that_python_writes(id_: UUID) -> None:
    assert text_of(id_) == str(id_)
