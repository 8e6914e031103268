"""Secrets open only for their own row, survive rotation, and are never shown."""

from base64 import b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.envelope import (
    CannotOpen,
    EnvelopeError,
    MasterKeys,
    Sealed,
    UnknownMasterKey,
    master_keys,
    open_sealed,
    rotated,
    seal,
)

KEYS = MasterKeys({"old": b"o" * 32, "new": b"n" * 32}, active="old")
LATER = MasterKeys({"new": b"n" * 32, "old": b"o" * 32}, active="new")
SECRET = {"api_key": "public-part", "secret": "hunter2"}
secrets = st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=5)
identities = st.text(min_size=1, max_size=50)


@given(secrets, identities)
def test_what_was_sealed_opens_for_its_row(secret, identity):
    assert open_sealed(seal(secret, identity=identity, keys=KEYS), identity=identity, keys=KEYS) == secret


@given(identities, identities)
def test_a_ciphertext_moved_to_another_row_does_not_open(row, other):
    sealed = seal(SECRET, identity=row, keys=KEYS)
    if row != other:
        with pytest.raises(CannotOpen):
            open_sealed(sealed, identity=other, keys=KEYS)


@given(st.sampled_from(["wrapped_key", "nonce", "ciphertext"]), st.integers(0, 10_000), st.integers(1, 255))
def test_one_changed_byte_keeps_it_shut(part, position, flip):
    sealed = seal(SECRET, identity="row", keys=KEYS)
    stored = bytearray(getattr(sealed, part))
    stored[position % len(stored)] ^= flip
    with pytest.raises(CannotOpen):
        open_sealed(replace(sealed, **{part: bytes(stored)}), identity="row", keys=KEYS)


def test_parts_of_two_rows_do_not_combine():
    mine, theirs = seal(SECRET, identity="mine", keys=KEYS), seal(SECRET, identity="theirs", keys=KEYS)
    with pytest.raises(CannotOpen):
        open_sealed(replace(mine, wrapped_key=theirs.wrapped_key), identity="mine", keys=KEYS)


@given(secrets)
def test_rotation_keeps_the_secret_and_needs_the_old_key_no_more(secret):
    sealed = rotated(seal(secret, identity="row", keys=KEYS), identity="row", keys=LATER)
    assert sealed.master_key_id == "new"
    assert open_sealed(sealed, identity="row", keys=MasterKeys({"new": b"n" * 32}, active="new")) == secret


def test_a_master_key_that_is_gone_is_named():
    sealed = seal(SECRET, identity="row", keys=KEYS)
    with pytest.raises(UnknownMasterKey, match="'old'"):
        open_sealed(sealed, identity="row", keys=MasterKeys({"new": b"n" * 32}, active="new"))


def test_the_same_secret_is_never_sealed_alike():
    one, two = seal(SECRET, identity="row", keys=KEYS), seal(SECRET, identity="row", keys=KEYS)
    assert (one.ciphertext, one.nonce) != (two.ciphertext, two.nonce)
    assert len(one.nonce) == 12


def test_nothing_secret_is_shown():
    sealed = seal(SECRET, identity="row", keys=KEYS)
    assert "hunter2" not in repr(sealed)
    assert "ooooo" not in repr(KEYS)


def test_master_keys_are_read_from_the_setting_and_the_first_is_active():
    text = f"b:{b64encode(b'b' * 32).decode()}, a:{b64encode(b'a' * 32).decode()}"
    keys = master_keys(text)
    assert (keys.active, keys.of("a")) == ("b", b"a" * 32)


@pytest.mark.parametrize(
    "text", ["", "a", "a:###", "a:" + b64encode(b"short").decode(), ":" + b64encode(b"k" * 32).decode()]
)
def test_a_wrong_setting_is_refused_without_showing_the_key(text):
    with pytest.raises(EnvelopeError) as caught:
        master_keys(text)
    assert b64encode(b"k" * 32).decode() not in str(caught.value)


def test_sealed_parts_are_bytes_fit_for_columns():
    sealed = seal(SECRET, identity="row", keys=KEYS)
    assert isinstance(sealed, Sealed)
    assert len(sealed.wrapped_key) == 12 + 32 + 16
