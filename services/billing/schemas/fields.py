"""What all of billing's HTTP shapes are made of."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from ninja import Field

from shared_models.clock import rfc3339
from shared_models.money import plain

# Long enough for every amount there is, short enough to be read back in a refusal.
AMOUNT = Field(max_length=60, examples=["12.50"])


def id_or_none(value: UUID | None) -> str | None:
    """An id as text."""
    return str(value) if value else None


def time_or_none(value: datetime | None) -> str | None:
    """A moment as text."""
    return rfc3339(value) if value else None


def amount_or_none(value: Decimal | None) -> str | None:
    """An amount as text."""
    return plain(value) if value is not None else None
