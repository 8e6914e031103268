"""The secrets of one stack: made once, kept in one file that only its owner can read."""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from titan.configuration import SERVICES
from titan.errors import TitanError


@dataclass(frozen=True, slots=True)
class Secrets:
    """Everything random that must stay the same from one start to the next."""

    secret_key: str
    admin_password: str
    postgres_password: str
    valkey_password: str
    master_keys: str
    databases: dict[str, str]

    def owner_password(self, service: str) -> str:
        """The password of the role that owns a guarded service's tables; no process but its migration gets it."""
        return hmac.new(self.postgres_password.encode(), f"owner of {service}".encode(), sha256).hexdigest()


def load_or_make(path: Path) -> Secrets:
    """The stack's secrets; the first call makes them. Raises TitanError for a file that was damaged."""
    if not path.exists():
        _write_once(path, _new())
    try:
        return Secrets(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise TitanError(
            f"The secrets in {path} cannot be read ({error}): restore the file; without it the data beside it "
            "cannot be opened, so if that is of no worth run `make clean` and start anew."
        ) from error


def _new() -> Secrets:
    return Secrets(
        secret_key=secrets.token_urlsafe(48),
        admin_password=secrets.token_urlsafe(12),
        postgres_password=secrets.token_urlsafe(24),
        valkey_password=secrets.token_urlsafe(24),
        master_keys="k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        databases={service: secrets.token_urlsafe(24) for service in SERVICES},
    )


def _write_once(path: Path, made: Secrets) -> None:
    # Whole or not at all: a torn file would lock its owner out of the database.
    scratch = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(made), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    scratch.rename(path)
