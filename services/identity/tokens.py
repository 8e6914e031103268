"""Access tokens: short-lived, signed with EdDSA under a key whose private half is stored sealed."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from joserfc import jwt
from joserfc.jwk import OKPKey

from identity.models import Session, SigningKey, User
from service_base.addresses import url_of
from service_base.auth import ALGORITHM, AUDIENCE
from shared_models.ids import new_id

LIFETIME = timedelta(minutes=10)


def new_key_pair() -> tuple[str, dict[str, Any], bytes]:
    """A fresh Ed25519 pair: key id, public JWK, sealed private JWK."""
    key = OKPKey.generate_key("Ed25519")
    kid = str(key.thumbprint())[:22]
    public = dict(key.as_dict(private=False)) | {"kid": kid, "use": "sig", "alg": ALGORITHM}
    return kid, public, _seal().encrypt(json.dumps(key.as_dict(private=True)).encode())


def access_token(user: User, session: Session, teams: dict[str, str], *, key: SigningKey, now: datetime) -> str:
    """A token that every service verifies by itself, valid for LIFETIME."""
    claims = claims_of(user) | {
        "iss": url_of("identity"),
        "aud": AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
        "jti": str(new_id()),
        "sid": str(session.pk),
        "teams": teams,
    }
    private = OKPKey.import_key(json.loads(_seal().decrypt(bytes(key.private_sealed))))
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": "at+jwt"}, claims, private, algorithms=[ALGORITHM])


def claims_of(user: User) -> dict[str, Any]:
    """What a token says about the person, enough for a service that has never heard of her."""
    return {
        "sub": str(user.pk),
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "staff": user.is_staff,
        "superuser": user.is_superuser,
    }


def _seal() -> Fernet:
    # The installation's secret is long random text; one hash makes it the 32 bytes Fernet wants.
    digest = hashlib.sha256(b"titan signing keys\n" + str(settings.SECRET_KEY).encode()).digest()
    return Fernet(urlsafe_b64encode(digest))
