"""Who is calling: a person with her teams, through a session's token or an API key with scopes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from service_base.errors import NotAllowed

if TYPE_CHECKING:
    from service_base.auth import Token
    from service_base.standing import Standing


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated person. `scopes` is None for a full session, else what the API key is limited to."""

    user: Any
    scopes: frozenset[str] | None = None
    teams: dict[UUID, str] = field(default_factory=dict)
    key_id: UUID | None = None
    # Only where she may come from memory.
    standing: Standing | None = None

    @property
    def id(self) -> UUID:
        """The person's id, the same in every service."""
        return self.user.pk  # type: ignore[no-any-return]

    @property
    def is_operator(self) -> bool:
        """Whether the person runs this installation."""
        return bool(self.user.is_staff)

    def must_have(self, scope: str) -> None:
        """Raise NotAllowed when an API key lacks `scope`."""
        if self.scopes is not None and scope not in self.scopes:
            raise NotAllowed(f"This API key lacks the scope {scope}; make one that has it.", scope=scope)

    def must_be_operator(self) -> None:
        """Raise NotAllowed for anyone but operators with a full session."""
        if not self.is_operator or self.scopes is not None:
            raise NotAllowed("Only operators may see this.")


class PrincipalSource(Protocol):
    """Where a service finds people and keys: its projections, or, in identity, the originals. No answer is remembered.

    It is asked at each request, so it answers on the event loop.
    """

    async def signing_key(self, kid: str) -> dict[str, Any] | None:
        """The public key (JWK) with that id."""

    async def session(self, token: Token) -> Caller | None:
        """The active person of a valid token whose key is still in use, made just in time if need be; else None."""

    async def api_key(self, key: str) -> Caller | None:
        """The caller behind an API key; None when it is unknown, expired or revoked."""
