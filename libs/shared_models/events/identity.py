"""What identity says: people, teams and their members, keys that open doors and keys that were taken away."""

from typing import Any, ClassVar, Literal
from uuid import UUID

from shared_models.events.contract import Event, Moment

Role = Literal["owner", "admin", "member", "viewer"]


class UserChanged(Event):
    """A person registered or changed: the whole public state, so that a reader needs no earlier event."""

    TYPE: ClassVar = "titan.identity.user.changed.v1"
    KEY: ClassVar = "user_id"

    user_id: UUID
    version: int
    email: str | None
    first_name: str
    last_name: str
    is_active: bool
    is_staff: bool
    is_superuser: bool
    time_format: str = "24H"
    date_format: str = "DMY"
    date_separator: str = "/"
    datetime_separator: str = " "
    decimal_separator: str = ","


class TeamChanged(Event):
    """A team was made, renamed or deleted."""

    TYPE: ClassVar = "titan.identity.team.changed.v1"
    KEY: ClassVar = "team_id"

    team_id: UUID
    version: int
    name: str
    deleted: bool = False


class TeamMemberChanged(Event):
    """A person's role in a team; `role` is None when she left or was removed."""

    TYPE: ClassVar = "titan.identity.team.member_changed.v1"
    KEY: ClassVar = "team_id"

    team_id: UUID
    user_id: UUID
    version: int
    role: Role | None


class ApiKeyRevoked(Event):
    """An API key must no longer open anything."""

    TYPE: ClassVar = "titan.identity.api_key.revoked.v1"
    KEY: ClassVar = "key_id"

    key_id: UUID
    user_id: UUID
    revoked_at: Moment


class SigningKeyPublished(Event):
    """A public key that access tokens may be signed with, sent ahead of its first use."""

    TYPE: ClassVar = "titan.identity.signing_key.published.v1"
    KEY: ClassVar = "kid"

    kid: str
    jwk: dict[str, Any]
    retired: bool = False
