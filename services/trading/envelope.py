"""Envelope encryption: each row's secret under its own data key, which a rotating master key wraps."""

import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12
KEY = 32


class EnvelopeError(ValueError):
    """A secret that cannot be sealed or opened. The message never holds key material."""


class UnknownMasterKey(EnvelopeError):
    """The master key that a row was sealed under is not among those this process was given."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        super().__init__(f"master key {key_id!r} is not in TITAN_MASTER_KEYS; add it back until every row is rotated")


class CannotOpen(EnvelopeError):
    """The ciphertext was altered, or belongs to another row."""

    def __init__(self) -> None:
        super().__init__("the stored secret does not open: it was altered or moved from another row")


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is stored of a secret; useless without the master key and the identity of its row."""

    master_key_id: str
    wrapped_key: bytes
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True, repr=False)
class MasterKeys:
    """Master keys by id; the active one seals, all of them open."""

    keys: Mapping[str, bytes]
    active: str

    def __repr__(self) -> str:
        return f"MasterKeys({', '.join(self.keys)}; active {self.active})"

    def of(self, key_id: str) -> bytes:
        try:
            return self.keys[key_id]
        except KeyError:
            raise UnknownMasterKey(key_id) from None


def master_keys(text: str) -> MasterKeys:
    """Parse `id:base64,id:base64`; the first is active."""
    keys: dict[str, bytes] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key_id, _, encoded = part.partition(":")
        try:
            key = b64decode(encoded, validate=True)
        except (NotBase64, ValueError):
            raise EnvelopeError(f"master key {key_id!r} is not base64; make one with 32 random bytes") from None
        if not key_id or len(key) != KEY or key_id in keys:
            raise EnvelopeError(f"master key {key_id!r} needs an id of its own and exactly {KEY} bytes, has {len(key)}")
        keys[key_id] = key
    if not keys:
        raise EnvelopeError("no master key is set; give TITAN_MASTER_KEYS as id:base64 of 32 random bytes")
    return MasterKeys(keys, active=next(iter(keys)))


def seal(
    secret: Mapping[str, str], *, identity: str, keys: MasterKeys, random: Callable[[int], bytes] = urandom
) -> Sealed:
    """Encrypt `secret` so that it opens only for the row named by `identity`."""
    data_key = random(KEY)
    nonce = random(NONCE)
    plain = json.dumps(dict(secret), sort_keys=True).encode()
    return Sealed(
        master_key_id=keys.active,
        wrapped_key=_wrap(data_key, identity=identity, keys=keys, random=random),
        nonce=nonce,
        ciphertext=AESGCM(data_key).encrypt(nonce, plain, _bound("secret", identity)),
    )


def open_sealed(sealed: Sealed, *, identity: str, keys: MasterKeys) -> dict[str, str]:
    """The secret. Raises CannotOpen when anything was altered or belongs elsewhere, UnknownMasterKey."""
    data_key = _unwrap(sealed, identity=identity, keys=keys)
    try:
        plain = AESGCM(data_key).decrypt(sealed.nonce, sealed.ciphertext, _bound("secret", identity))
    except (InvalidTag, ValueError):
        raise CannotOpen from None
    found: dict[str, str] = json.loads(plain)
    return found


def rotated(sealed: Sealed, *, identity: str, keys: MasterKeys, random: Callable[[int], bytes] = urandom) -> Sealed:
    """The same secret with its data key under the active master key; the secret itself is never decrypted."""
    data_key = _unwrap(sealed, identity=identity, keys=keys)
    return Sealed(
        master_key_id=keys.active,
        wrapped_key=_wrap(data_key, identity=identity, keys=keys, random=random),
        nonce=sealed.nonce,
        ciphertext=sealed.ciphertext,
    )


def _wrap(data_key: bytes, *, identity: str, keys: MasterKeys, random: Callable[[int], bytes]) -> bytes:
    nonce = random(NONCE)
    bound = _bound(f"key {keys.active}", identity)
    return nonce + AESGCM(keys.of(keys.active)).encrypt(nonce, data_key, bound)


def _unwrap(sealed: Sealed, *, identity: str, keys: MasterKeys) -> bytes:
    master = keys.of(sealed.master_key_id)
    nonce, wrapped = sealed.wrapped_key[:NONCE], sealed.wrapped_key[NONCE:]
    try:
        return AESGCM(master).decrypt(nonce, wrapped, _bound(f"key {sealed.master_key_id}", identity))
    except (InvalidTag, ValueError):
        raise CannotOpen from None


def _bound(what: str, identity: str) -> bytes:
    return f"titan.trading/{what}/{identity}".encode()
