"""Where payment providers tell what happened: no token but their signature over every byte."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from ninja import Router

from billing import commands, providers
from billing.rules.errors import CurrencyUnfit

router = Router(tags=["webhooks"], auth=None)


@router.post("/webhooks/stripe", auth=None)
async def stripe(request: HttpRequest) -> dict[str, Any]:
    """A signed event of Stripe. Told twice, late or in another order it leads to the same ledger."""
    body, signature = request.body, request.headers.get("Stripe-Signature", "")
    return await sync_to_async(_take)("stripe", body, signature)


def _take(name: str, body: bytes, signature: str) -> dict[str, Any]:
    report = providers.named(name).read(body, signature)
    if report is None:
        return {"taken": False}
    unmatched = commands.take_report(provider=name, report=report)
    if unmatched is not None and unmatched.journal_id is None:
        # Operators see it; the ledger has no account for it, so the provider is told as well.
        raise CurrencyUnfit(f"The ledger has no account in {unmatched.currency}; nothing was posted.", field="currency")
    return {"taken": True}
