"""What identity does when others speak."""

from collections.abc import Sequence

from event_bus import on, on_batch
from identity import commands
from shared_models.events import Envelope, billing


@on_batch(billing.BalanceChanged)
def keep_balances(changed: Sequence[tuple[billing.BalanceChanged, Envelope]]) -> None:
    """Show people the balances of their ledgers."""
    commands.keep_balances(*(event for event, _ in changed))


@on(billing.CouponActivated)
def keep_coupon(event: billing.CouponActivated, envelope: Envelope) -> None:
    """Note which coupon the person activated, when."""
    commands.keep_coupon(event)
