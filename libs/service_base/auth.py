"""Local authentication: access tokens are verified here, without asking identity."""

from __future__ import annotations

from time import time
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from ninja.security import HttpBearer

from service_base.callers import Caller, PrincipalSource

# EdDSA over Ed25519, under the name RFC 9864 gives it.
ALGORITHM = "Ed25519"
AUDIENCE = "titan"
COOKIE = "titan_access"
# Two machines' clocks may differ by this much.
LEEWAY_SECONDS = 5
_CLAIMS_KEPT = 2048
_REQUIRED = jwt.JWTClaimsRegistry(
    leeway=LEEWAY_SECONDS, exp={"essential": True}, sub={"essential": True}, aud={"essential": True, "value": AUDIENCE}
)

_claims_of: dict[str, dict[str, Any]] = {}


class Bearer(HttpBearer):
    """`Authorization: Bearer <access token or API key>`; with `scope`, API keys must have it."""

    def __init__(self, scope: str | None = None) -> None:
        super().__init__()
        self.scope = scope

    async def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """The caller, or None for a wrong token. Raises NotAllowed when a key lacks the scope."""
        caller = await sync_to_async(caller_of)(token)
        if caller is not None and self.scope is not None:
            caller.must_have(self.scope)
        return caller


def source() -> PrincipalSource:
    """This service's source of people and keys."""
    found: PrincipalSource = import_string(settings.PRINCIPAL_SOURCE)()
    return found


def caller_of(token: str) -> Caller | None:
    """Who `token` (an access token or an API key) speaks for; None when it speaks for nobody."""
    people = source()
    if token.startswith("tk_"):
        return people.api_key(token)
    claims = claims_in(token, people)
    person = people.person(claims) if claims else None
    if person is None or claims is None:
        return None
    return Caller(person, teams={UUID(team): role for team, role in claims.get("teams", {}).items()})


def claims_in(token: str, people: PrincipalSource) -> dict[str, Any] | None:
    """The claims of a valid access token; None for anything else. Valid ones are remembered until they expire."""
    known = _claims_of.get(token)
    if known is None:
        known = _verified(token, people)
        if known is None:
            return None
        if len(_claims_of) >= _CLAIMS_KEPT:
            _claims_of.clear()
        _claims_of[token] = known
    return known if known["exp"] + LEEWAY_SECONDS > time() else None


def _verified(token: str, people: PrincipalSource) -> dict[str, Any] | None:
    kid = _kid_of(token)
    key = people.signing_key(kid) if kid else None
    if key is None:
        return None
    try:
        # The algorithm is fixed here: what the token's own header asks for is not trusted.
        decoded = jwt.decode(token, OKPKey.import_key(key), algorithms=[ALGORITHM])
        _REQUIRED.validate(decoded.claims)
    except (JoseError, ValueError):
        return None
    return dict(decoded.claims)


def _kid_of(token: str) -> str | None:
    from joserfc import jws

    try:
        return jws.extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError):
        return None
