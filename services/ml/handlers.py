"""What ml does when others speak."""

from __future__ import annotations

from event_bus import on
from ml import commands, queries
from shared_models.events import Envelope, billing
from shared_models.money import plain


@on(billing.HoldAuthorized)
def start_work(event: billing.HoldAuthorized, envelope: Envelope) -> None:
    """Let the work queue for a server."""
    commands.authorize_work(
        work_id=event.work_id,
        hold_id=event.hold_id,
        held=_parts(event.parts),
        price_version=event.price_version,
        expires_at=event.expires_at,
    )


@on(billing.HoldDeclined)
def refuse_work(event: billing.HoldDeclined, envelope: Envelope) -> None:
    """Say why the work does not start."""
    commands.decline_work(
        work_id=event.work_id,
        reason=event.reason,
        missing=event.missing,
        currency=event.currency,
        at=envelope.time,
    )


@on(billing.HoldExpired)
def stop_work(event: billing.HoldExpired, envelope: Envelope) -> None:
    """Stop work that nobody pays for any more."""
    commands.expire_hold(work_id=event.work_id, at=envelope.time)


@on(billing.OperationPosted)
def note_charge(event: billing.OperationPosted, envelope: Envelope) -> None:
    """Show what work and machines were charged."""
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
