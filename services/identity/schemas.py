"""Identity's HTTP shapes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from identity.models import ApiKey, AuditEntry, Session, Team, TeamMembership, User
from service_base.moments import Moment
from shared_models.clock import rfc3339
from shared_models.money import plain


class RegisterIn(Schema):
    """A new person."""

    email: str = Field(max_length=254)
    password: str = Field(max_length=1024)
    first_name: str = Field(max_length=140)
    last_name: str = Field(max_length=140)


class LoginIn(Schema):
    """A person signing in."""

    email: str = Field(max_length=254)
    password: str = Field(max_length=1024)


class RefreshIn(Schema):
    """A refresh token to be exchanged."""

    refresh_token: str = Field(max_length=200)


class TokensOut(Schema):
    """A session's tokens; `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"
    expires_in: int


class FormatsIn(Schema):
    """How the person wants to see dates and numbers; what is left out stays."""

    time_format: str | None = None
    date_format: str | None = None
    date_separator: str | None = None
    datetime_separator: str | None = None
    decimal_separator: str | None = None


class TeamIn(Schema):
    """A team to make or rename."""

    name: str = Field(max_length=200)


class MemberIn(Schema):
    """A member's new role."""

    role: str


class TransferIn(Schema):
    """The member who becomes the owner."""

    user_id: UUID


class InvitationIn(Schema):
    """An invitation to make."""

    role: str = "member"
    email: str = ""
    uses: int = 1


class ApiKeyIn(Schema):
    """An API key to make."""

    name: str = Field(max_length=100)
    scopes: list[str]
    team_id: UUID | None = None
    expires_at: Moment | None = None


class ApiKeyCheckIn(Schema):
    """A key another service was given."""

    key: str = Field(max_length=300)


def show_user(user: User) -> dict[str, Any]:
    """The person as she sees herself; balances are strings and follow billing's ledger."""
    return {
        "id": str(user.pk),
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "user_profile": user.user_profile,
        "time_format": user.time_format,
        "date_format": user.date_format,
        "date_separator": user.date_separator,
        "datetime_separator": user.datetime_separator,
        "decimal_separator": user.decimal_separator,
        "is_super_admin": user.is_super_admin,
        "date_joined": rfc3339(user.date_joined),
        "last_billing_time": rfc3339(user.last_billing_time) if user.last_billing_time else None,
        "coupons_activated": user.coupons_activated,
        "user_balance": plain(user.user_balance),
        "user_ixioo_balance": plain(user.user_ixioo_balance),
        "coupon_balance": plain(user.coupon_balance),
        "ledger_version": user.ledger_version,
    }


def show_team(team: Team) -> dict[str, Any]:
    """A team."""
    return {"id": str(team.pk), "name": team.name, "admin_user": str(team.admin_user_id), "url": team.url}


def show_member(membership: TeamMembership) -> dict[str, Any]:
    """A member of a team."""
    user = membership.user
    return {"user_id": str(user.pk), "name": user.get_full_name(), "email": user.email, "role": membership.role}


def show_api_key(key: ApiKey) -> dict[str, Any]:
    """A key without its secret."""
    return {
        "id": str(key.pk),
        "name": key.name,
        "tail": key.tail,
        "scopes": key.scopes,
        "team_id": str(key.team_id) if key.team_id else None,
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339(key.expires_at) if key.expires_at else None,
        "last_used_at": rfc3339(key.last_used_at) if key.last_used_at else None,
        "revoked_at": rfc3339(key.revoked_at) if key.revoked_at else None,
    }


def show_session(session: Session) -> dict[str, Any]:
    """A place where the person is signed in."""
    return {
        "id": str(session.pk),
        "user_agent": session.user_agent,
        "ip": session.ip,
        "created_at": rfc3339(session.created_at),
        "last_used_at": rfc3339(session.updated_at),
    }


def show_audit(entry: AuditEntry) -> dict[str, Any]:
    """An audit entry with its place in the chain."""
    return {
        "id": entry.pk,
        "at": rfc3339(entry.at),
        "actor_id": str(entry.actor_id) if entry.actor_id else None,
        "action": entry.action,
        "target": entry.target,
        "ip": entry.ip,
        "outcome": entry.outcome,
        "details": entry.details,
        "entry_hash": entry.entry_hash,
    }
