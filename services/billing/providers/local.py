"""The local test provider: it moves no real money and says so everywhere."""

from __future__ import annotations

from decimal import Decimal

from billing.providers.protocol import Report, ReportKind, ReportUnproven, Started
from shared_models.clock import utc_now

TEST = "test"


class TestProvider:
    """Pays when the person presses a button, gives back at once, and lets operators say how a payout ended."""

    __test__ = False  # pytest takes every class of this name for a test
    name = TEST

    def start(self, *, key: str, amount_usd: Decimal, return_to: str) -> Started:
        """A payment that waits for its button on our own page."""
        return Started(reference=f"test_{key}", pay_at="")

    def refund(self, *, key: str, charge: str, amount_usd: Decimal, refunded_before: Decimal) -> Report | None:
        """It is given back by being asked."""
        total = refunded_before + amount_usd
        return Report(ReportKind.REFUNDED, f"test_refund_{key}", charge, utc_now(), total, charge=charge)

    def must_reach(self, destination: str) -> None:
        """Everywhere, since nothing is sent."""

    def pay_out(self, *, key: str, amount_usd: Decimal, destination: str) -> str:
        """A payout that waits for an operator to say how it ended."""
        return f"test_payout_{key}"

    def read(self, body: bytes, signature: str) -> Report | None:
        """It sends no messages, so whatever comes in its name is not its own."""
        raise ReportUnproven("The test provider sends no reports.")
