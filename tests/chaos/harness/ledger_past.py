"""People with money: `python -m harness.ledger_past ID…`; every third has none, dollars, or tokens and a coupon."""

from __future__ import annotations

import sys
from decimal import Decimal
from uuid import UUID


def main() -> None:
    """Open their accounts and fill them, by the commands that people's own requests call."""
    import django

    django.setup()
    from billing import commands
    from shared_models.clock import utc_now

    commands.publish_first_prices()
    commands.keep_partitions()
    commands.create_coupon(code="CHAOS", amount="5", budget="1000000", valid_from=utc_now())
    for number, owner in enumerate(map(UUID, sys.argv[1:])):
        commands.open_accounts(owner=owner)
        if number % 3:
            commands.top_up(
                owner=owner, amount=Decimal(2 * number), provider="test", reference=f"start {owner}", at=utc_now()
            )
        if number % 3 == 2:
            commands.buy_tokens(owner=owner, key="start", amount_usd=str(number))
            commands.activate_coupon(owner=owner, code="CHAOS")


if __name__ == "__main__":
    main()
