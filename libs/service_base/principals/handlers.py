"""What every service does when identity speaks: many events are one statement."""

from __future__ import annotations

from collections.abc import Sequence

from event_bus import on_batch
from service_base.principals import commands
from shared_models.events import Envelope, identity


@on_batch(identity.UserChanged)
def remember_people(events: Sequence[tuple[identity.UserChanged, Envelope]]) -> None:
    """Keep the people as they are now."""
    commands.remember_people([event for event, _ in events])


@on_batch(identity.TeamChanged)
def remember_teams(events: Sequence[tuple[identity.TeamChanged, Envelope]]) -> None:
    """Keep the teams' names."""
    commands.remember_teams([event for event, _ in events])


@on_batch(identity.TeamMemberChanged)
def remember_memberships(events: Sequence[tuple[identity.TeamMemberChanged, Envelope]]) -> None:
    """Keep each person's role in each team."""
    commands.remember_memberships([event for event, _ in events])


@on_batch(identity.ApiKeyRevoked)
def forget_api_keys(events: Sequence[tuple[identity.ApiKeyRevoked, Envelope]]) -> None:
    """Stop accepting the keys."""
    commands.revoke_keys([event for event, _ in events])


@on_batch(identity.SigningKeyPublished)
def remember_signing_keys(events: Sequence[tuple[identity.SigningKeyPublished, Envelope]]) -> None:
    """Accept tokens signed with the keys from now on."""
    commands.remember_signing_keys([event for event, _ in events])
