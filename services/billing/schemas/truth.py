"""Balances at a moment and verifications as HTTP shapes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from billing.models import Verification
from billing.queries import Balances
from billing.schemas.fields import time_or_none
from shared_models.clock import rfc3339
from shared_models.money import plain


def show_balances(owner: UUID, found: Balances) -> dict[str, Any]:
    """What was posted on each account at two moments."""
    return {
        "owner_id": str(owner),
        "effective_at": time_or_none(found.effective_at),
        "recorded_at": time_or_none(found.recorded_at),
        "accounts": [{"account": account, "posted": plain(posted)} for account, posted in found.posted.items()],
    }


def show_balance(found: Balances, account: str) -> dict[str, Any]:
    """What was posted on one account at two moments."""
    return {
        "account": account,
        "effective_at": time_or_none(found.effective_at),
        "recorded_at": time_or_none(found.recorded_at),
        "balance": plain(found.posted[account]),
    }


def show_verification(found: Verification) -> dict[str, Any]:
    """A verdict, who asked for it and how long it took."""
    return {
        "id": str(found.pk),
        "asked_by": found.asked_by,
        "by": str(found.by_id) if found.by_id else None,
        "started_at": rfc3339(found.started_at),
        "milliseconds": found.milliseconds,
        **found.verdict,
    }
