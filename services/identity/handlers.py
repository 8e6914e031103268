"""What identity does when others speak."""

from event_bus import on
from identity import commands
from shared_models.events import Envelope, billing


@on(billing.BalanceChanged)
def keep_balances(event: billing.BalanceChanged, envelope: Envelope) -> None:
    """Show the person the balances of her ledger."""
    commands.keep_balances(event)


@on(billing.CouponActivated)
def keep_coupon(event: billing.CouponActivated, envelope: Envelope) -> None:
    """Note which coupon the person activated, when."""
    commands.keep_coupon(event)
