"""Local authentication: access tokens are verified here, without asking identity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from time import time
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from ninja.security import HttpBearer

from service_base.callers import Caller, PrincipalSource
from service_base.incoming import let_in

# EdDSA over Ed25519, under the name RFC 9864 gives it.
ALGORITHM = "Ed25519"
AUDIENCE = "titan"
COOKIE = "titan_access"
# Two machines' clocks may differ by this much.
LEEWAY_SECONDS = 5
_TOKENS_KEPT = 2048
_REQUIRED = jwt.JWTClaimsRegistry(
    leeway=LEEWAY_SECONDS, exp={"essential": True}, sub={"essential": True}, aud={"essential": True, "value": AUDIENCE}
)


@dataclass(frozen=True, slots=True)
class Token:
    """What a verified access token says, taken apart once."""

    claims: dict[str, Any]
    kid: str
    user_id: UUID
    teams: dict[UUID, str]

    @property
    def has_expired(self) -> bool:
        """Whether its time is over."""
        return bool(self.claims["exp"] + LEEWAY_SECONDS <= time())


_known: dict[str, Token] = {}


class Bearer(HttpBearer):
    """`Authorization: Bearer <access token or API key>`; with `scope`, API keys must have it."""

    def __init__(self, scope: str | None = None) -> None:
        super().__init__()
        self.scope = scope

    async def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        """The caller, whose body then comes in, or None for a wrong token. Raises NotAllowed without the scope."""
        caller = await caller_of(token)
        if caller is not None:
            if self.scope is not None:
                caller.must_have(self.scope)
            await let_in(request, caller)
        return caller


@cache
def source() -> PrincipalSource:
    """This service's source of people and keys."""
    found: PrincipalSource = import_string(settings.PRINCIPAL_SOURCE)()
    return found


async def caller_of(text: str) -> Caller | None:
    """Who `text` (an access token or an API key) speaks for, by the state committed now; None when for nobody.

    A token's signature is verified once; that its person is active and its signing key in use is read each time.
    """
    if text.startswith("tk_"):
        return await source().api_key(text)
    token = await token_in(text)
    return await source().session(token) if token else None


async def token_in(text: str) -> Token | None:
    """The valid access token in `text`; None for anything else. Verified ones are remembered until they expire."""
    token = _known.get(text)
    if token is None:
        token = await _verified(text)
        if token is None:
            return None
        if len(_known) >= _TOKENS_KEPT:
            _known.clear()
        _known[text] = token
    return None if token.has_expired else token


async def _verified(text: str) -> Token | None:
    kid = _kid_of(text)
    key = await source().signing_key(kid) if kid else None
    if kid is None or key is None:
        return None
    try:
        # The algorithm is fixed here: what the token's own header asks for is not trusted.
        claims = dict(jwt.decode(text, OKPKey.import_key(key), algorithms=[ALGORITHM]).claims)
        _REQUIRED.validate(claims)
        teams = {UUID(team): role for team, role in claims.get("teams", {}).items()}
        return Token(claims, kid, UUID(claims["sub"]), teams)
    except (JoseError, ValueError):
        return None


def _kid_of(text: str) -> str | None:
    try:
        return jws.extract_compact(text.encode()).headers().get("kid")
    except (JoseError, ValueError):
        return None
