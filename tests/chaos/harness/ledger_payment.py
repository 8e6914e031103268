"""What a payment provider does: `python -m harness.ledger_payment OWNER begin|charge|refund [GUARD]`.

A refusal is printed; a guard that is named is taken away.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from uuid import UUID


def main() -> None:
    """Begin a payment over 10 USD, report it as paid, or report 4 USD of it as given back."""
    import django

    django.setup()
    from billing import commands
    from billing.models import Payment
    from billing.providers.protocol import Report, ReportKind
    from billing.rules.errors import RefundTooEarly
    from harness import ledger_guards
    from shared_models.clock import utc_now

    owner, step, *without = UUID(sys.argv[1]), *sys.argv[2:]
    ledger_guards.remove(without)
    if step == "begin":
        commands.start_top_up(owner=owner, amount_usd="10", key="chaos")
        return
    payment = Payment.objects.get(owner_id=owner)
    if step == "charge":
        commands.settle_top_up(payment_id=payment.pk, charge="charge-1", at=utc_now())
        return
    given_back = Report(
        ReportKind.REFUNDED, "refund-1", payment.reference, utc_now(), amount=Decimal(4), charge="charge-1"
    )
    try:
        commands.take_refund(provider=payment.provider, report=given_back)
    except RefundTooEarly:
        sys.stdout.write("refused\n")


if __name__ == "__main__":
    main()
