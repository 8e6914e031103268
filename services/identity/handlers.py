"""What identity does when others speak."""

from collections.abc import Sequence

from event_bus import on, on_batch
from identity import commands
from shared_models.events import Envelope, billing


@on_batch(billing.BalancesChanged)
def keep_balances(pages: Sequence[tuple[billing.BalancesChanged, Envelope]]) -> None:
    """Show people the balances of their ledgers."""
    commands.keep_balances(*(one for page, _ in pages for one in page.balances))


@on(billing.CouponActivated)
def keep_coupon(event: billing.CouponActivated, envelope: Envelope) -> None:
    """Note which coupon the person activated, when."""
    commands.keep_coupon(event)
