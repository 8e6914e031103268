"""What ml does when others speak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from event_bus import on, on_batch
from ml import commands
from shared_models.events import Envelope, billing


@on(billing.HoldAuthorized)
def start_work(event: billing.HoldAuthorized, envelope: Envelope) -> None:
    """Let the work queue for a server, or the purchase be delivered."""
    commands.authorize_purchase(purchase_id=event.work_id, hold_id=event.hold_id, held=commands.amounts_of(event.parts))
    commands.authorize_work(
        work_id=event.work_id,
        hold_id=event.hold_id,
        held=commands.amounts_of(event.parts),
        price_version=event.price_version,
        expires_at=event.expires_at,
    )


@on(billing.HoldDeclined)
def refuse_work(event: billing.HoldDeclined, envelope: Envelope) -> None:
    """Say why the work does not start, or the purchase is not delivered."""
    why: dict[str, Any] = {"reason": event.reason, "missing": event.missing, "currency": event.currency}
    commands.decline_purchase(purchase_id=event.work_id, **why, at=envelope.time)
    commands.decline_work(work_id=event.work_id, **why, at=envelope.time)


@on(billing.HoldExpired)
def stop_work(event: billing.HoldExpired, envelope: Envelope) -> None:
    """Stop what nobody pays for any more."""
    commands.expire_purchase(purchase_id=event.work_id, at=envelope.time)
    commands.expire_hold(work_id=event.work_id, at=envelope.time)


@on_batch(billing.OperationsPosted)
def note_charges(pages: Sequence[tuple[billing.OperationsPosted, Envelope]]) -> None:
    """Show what works, purchases and machines were charged."""
    commands.note_charges(*(one for page, _ in pages for one in page.operations))


@on_batch(billing.BalancesChanged)
def keep_funds(pages: Sequence[tuple[billing.BalancesChanged, Envelope]]) -> None:
    """Know who can pay for solving."""
    commands.keep_funds(*(one for page, _ in pages for one in page.balances))


@on(billing.PricesPublished)
def keep_prices(event: billing.PricesPublished, envelope: Envelope) -> None:
    """Quote by the new prices."""
    commands.keep_prices(event)
