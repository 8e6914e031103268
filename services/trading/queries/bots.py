"""Bots, runs, keys and machines of a person."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from service_base.errors import NotFound
from trading.models import Bot, BotRun, KnownMachine, UserAPIKey


def bots_of(user_id: UUID) -> QuerySet[Bot]:
    """The person's bots."""
    return Bot.objects.filter(user_id=user_id, deleted_at=None).select_related("symbol", "exchange_key")


def bot_for(user_id: UUID, bot_id: UUID) -> Bot:
    """One of the person's bots. Raises NotFound."""
    found = bots_of(user_id).filter(pk=bot_id).first()
    if found is None:
        raise NotFound("There is no such bot, or it is somebody else's.")
    return found


def runs_of(user_id: UUID) -> QuerySet[BotRun]:
    """The person's runs."""
    return BotRun.objects.filter(user_id=user_id).select_related("bot")


def run_for(user_id: UUID, run_id: UUID) -> BotRun:
    """One of the person's runs. Raises NotFound."""
    found = runs_of(user_id).filter(pk=run_id).first()
    if found is None:
        raise NotFound("There is no such run, or it is somebody else's.")
    return found


def keys_of(user_id: UUID) -> QuerySet[UserAPIKey]:
    """The person's exchange keys."""
    return UserAPIKey.objects.filter(user_id=user_id).select_related("exchange").order_by("exchange__name", "name")


def key_for(user_id: UUID, key_id: UUID) -> UserAPIKey:
    """One of the person's exchange keys. Raises NotFound."""
    found = keys_of(user_id).filter(pk=key_id).first()
    if found is None:
        raise NotFound("There is no such key, or it is somebody else's.")
    return found


def machines_of(user_id: UUID) -> QuerySet[KnownMachine]:
    """The person's trained machines, newest first."""
    return KnownMachine.objects.filter(owner_id=user_id, is_deleted=False).order_by("-trained_at")


def machine_for(user_id: UUID, machine_id: str) -> KnownMachine:
    """One of the person's trained machines. Raises NotFound."""
    try:
        found = machines_of(user_id).filter(pk=UUID(machine_id)).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound(
            "There is no trained machine of yours with that id; one trained just now is known here within a second.",
            field="parameters.machine_id",
        )
    return found
