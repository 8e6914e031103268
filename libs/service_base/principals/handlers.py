"""What every service does when identity speaks."""

from __future__ import annotations

from event_bus import on
from service_base.principals import commands
from shared_models.events import Envelope, identity


@on(identity.UserChanged)
def remember_person(event: identity.UserChanged, envelope: Envelope) -> None:
    """Keep the person as she is now."""
    commands.remember_person(event)


@on(identity.TeamChanged)
def remember_team(event: identity.TeamChanged, envelope: Envelope) -> None:
    """Keep the team's name."""
    commands.remember_team(event)


@on(identity.TeamMemberChanged)
def remember_membership(event: identity.TeamMemberChanged, envelope: Envelope) -> None:
    """Keep the person's role in the team."""
    commands.remember_membership(event)


@on(identity.ApiKeyRevoked)
def forget_api_key(event: identity.ApiKeyRevoked, envelope: Envelope) -> None:
    """Stop accepting the key."""
    commands.revoke_key(key_id=event.key_id, revoked_at=event.revoked_at)


@on(identity.SigningKeyPublished)
def remember_signing_key(event: identity.SigningKeyPublished, envelope: Envelope) -> None:
    """Accept tokens signed with the key from now on."""
    commands.remember_signing_key(event)
