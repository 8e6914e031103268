"""Seals exchange keys into their rows and opens them again; the only place that sees a secret in clear."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from service_base.env import env
from service_base.errors import Unavailable
from trading.envelope import EnvelopeError, MasterKeys, Sealed, master_keys, open_sealed, rotated, seal
from trading.models import UserAPIKey


@cache
def keys() -> MasterKeys:
    """The master keys of this process. Raises Unavailable, naming the setting, when there are none."""
    try:
        return master_keys(env().master_keys)
    except EnvelopeError as error:
        raise Unavailable(str(error)) from None


def put(row: UserAPIKey, credentials: Mapping[str, str]) -> None:
    """Seal `credentials` into `row`, which must have its id and user; the caller saves it."""
    _store(row, seal(credentials, identity=row.identity, keys=keys()))


def take(row: UserAPIKey) -> dict[str, str]:
    """The credentials of `row`. Raises CannotOpen, UnknownMasterKey."""
    return open_sealed(_sealed(row), identity=row.identity, keys=keys())


def rotate(row: UserAPIKey) -> None:
    """Put the row's data key under the active master key; the caller saves it."""
    _store(row, rotated(_sealed(row), identity=row.identity, keys=keys()))


def public_part(api_key: str) -> str:
    """As much of a key as its owner needs to recognise it."""
    return f"{api_key[:4]}…{api_key[-4:]}" if len(api_key) >= 16 else "…"


def _store(row: UserAPIKey, sealed: Sealed) -> None:
    row.encrypted_credentials = sealed.ciphertext
    row.nonce = sealed.nonce
    row.wrapped_key = sealed.wrapped_key
    row.master_key_id = sealed.master_key_id


def _sealed(row: UserAPIKey) -> Sealed:
    return Sealed(
        master_key_id=row.master_key_id,
        wrapped_key=bytes(row.wrapped_key),
        nonce=bytes(row.nonce),
        ciphertext=bytes(row.encrypted_credentials),
    )
