"""What ml does when others speak."""

from __future__ import annotations

from typing import Any

from event_bus import on
from ml import commands, queries
from shared_models.events import Envelope, billing
from shared_models.money import plain


@on(billing.HoldAuthorized)
def start_work(event: billing.HoldAuthorized, envelope: Envelope) -> None:
    """Let the work queue for a server, or the purchase be delivered."""
    commands.authorize_purchase(purchase_id=event.work_id, hold_id=event.hold_id, held=_parts(event.parts))
    commands.authorize_work(
        work_id=event.work_id,
        hold_id=event.hold_id,
        held=_parts(event.parts),
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


@on(billing.OperationPosted)
def note_charge(event: billing.OperationPosted, envelope: Envelope) -> None:
    """Show what work, purchases and machines were charged."""
    if event.work_id is not None:
        commands.note_purchase_charge(purchase_id=event.work_id, parts=_parts(event.parts))
    commands.note_charge(
        work_id=event.work_id,
        machine_id=event.machine_id,
        payer_id=event.payer_id,
        kind=event.kind,
        parts=_parts(event.parts),
        usd=queries.worth_in_usd(event.parts),
    )


@on(billing.BalanceChanged)
def keep_funds(event: billing.BalanceChanged, envelope: Envelope) -> None:
    """Know who can pay for solving."""
    commands.keep_funds(event)


@on(billing.PricesPublished)
def keep_prices(event: billing.PricesPublished, envelope: Envelope) -> None:
    """Quote by the new prices."""
    commands.keep_prices(event)


def _parts(parts: list[billing.Part]) -> list[dict[str, str]]:
    return [{"currency": part.currency, "amount": plain(part.amount)} for part in parts]
