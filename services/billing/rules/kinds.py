"""What an operation, a journal and a usage can be."""

from __future__ import annotations

from enum import StrEnum


class OperationKind(StrEnum):
    """The nine things that money moves for between people and the platform."""

    TRAINING = "training"
    SOLVING = "solving"
    SOLVING_WITH_API = "solving_with_api"
    SOLVING_WITH_API_MARKET = "solving_with_api_market"
    BUY_DATA_SOURCE = "buy_data_source"
    MACHINE_COPY = "machine_copy"
    MACHINE_COPY_UPDATE = "machine_copy_update"
    PAY_A_BILL = "pay_a_bill"
    CREDIT_FROM_USER = "credit_from_user"

    @property
    def label(self) -> str:
        """The kind as people read it."""
        return _LABELS[self]


_LABELS = {
    OperationKind.TRAINING: "Training",
    OperationKind.SOLVING: "Solving",
    OperationKind.SOLVING_WITH_API: "Solving API",
    OperationKind.SOLVING_WITH_API_MARKET: "Solving API Market",
    OperationKind.BUY_DATA_SOURCE: "Buy data source",
    OperationKind.MACHINE_COPY: "Machine copy",
    OperationKind.MACHINE_COPY_UPDATE: "Machine copy update",
    OperationKind.PAY_A_BILL: "Pay bill",
    OperationKind.CREDIT_FROM_USER: "Credit from user",
}

# Journals that no operation stands behind: money that changes its form or its lifetime, not its owner.
COUPON_ACTIVATED = "coupon_activated"
COUPON_EXPIRED = "coupon_expired"
TOKENS_BOUGHT = "tokens_bought"
INCOME_KEPT = "income_kept"
PAYOUT_REQUESTED = "payout_requested"
PAYOUT_PAID = "payout_paid"
PAYOUT_FAILED = "payout_failed"
PAYMENT_UNMATCHED = "payment_unmatched"
PAYMENT_REFUNDED = "payment_refunded"
CONTRACT_SIGNED = "contract_signed"
CONTRACT_FINISHED = "contract_finished"
CONTRACT_CANCELLED = "contract_cancelled"
TAX_CHARGED = "tax_charged"
REVERSAL = "reversal"

OPERATION_KINDS = [kind.value for kind in OperationKind]
_OTHER_LABELS = {
    COUPON_ACTIVATED: "Coupon activated",
    COUPON_EXPIRED: "Coupon expired",
    TOKENS_BOUGHT: "Tokens bought",
    INCOME_KEPT: "Market income to the wallet",
    PAYOUT_REQUESTED: "Payout requested",
    PAYOUT_PAID: "Payout paid",
    PAYOUT_FAILED: "Payout failed",
    PAYMENT_UNMATCHED: "Payment without an owner",
    PAYMENT_REFUNDED: "Payment refunded",
    CONTRACT_SIGNED: "Contract signed",
    CONTRACT_FINISHED: "Contract finished",
    CONTRACT_CANCELLED: "Contract cancelled",
    TAX_CHARGED: "Tax",
    REVERSAL: "Reversal",
}
JOURNAL_KINDS = [*OPERATION_KINDS, *_OTHER_LABELS]

# What a person buys of another at a price for the whole: her lines, a copy, news for a copy.
PURCHASES = [
    OperationKind.BUY_DATA_SOURCE,
    OperationKind.MACHINE_COPY,
    OperationKind.MACHINE_COPY_UPDATE,
]
# Whose payee is the machine's owner.
SALES = [OperationKind.SOLVING_WITH_API_MARKET, *PURCHASES]

# The journals that a usage event of ml causes, one each.
USAGE_KINDS = [
    OperationKind.TRAINING.value,
    OperationKind.SOLVING.value,
    OperationKind.SOLVING_WITH_API.value,
    OperationKind.SOLVING_WITH_API_MARKET.value,
    *(kind.value for kind in PURCHASES),
]

# How a statement calls a movement; an operation keeps the name of its kind.
_JOURNAL_LABELS = {
    OperationKind.TRAINING.value: "Training",
    OperationKind.SOLVING.value: "Solving",
    OperationKind.SOLVING_WITH_API.value: "Solving by API",
    OperationKind.SOLVING_WITH_API_MARKET.value: "Market solving",
    OperationKind.BUY_DATA_SOURCE.value: "Data source",
    OperationKind.MACHINE_COPY.value: "Machine copy",
    OperationKind.MACHINE_COPY_UPDATE.value: "Machine copy update",
    OperationKind.PAY_A_BILL.value: "Bill paid",
    OperationKind.CREDIT_FROM_USER.value: "Top-up",
    **_OTHER_LABELS,
}


def label_of(kind: str) -> str:
    """A journal's kind as people read it."""
    return _JOURNAL_LABELS[kind]


def solving_kind(channel: str, *, payer_is_owner: bool) -> OperationKind:
    """The kind of a solving by its channel; whoever calls her own machine buys nothing from herself."""
    if channel == "own":
        return OperationKind.SOLVING
    if channel == "market" and not payer_is_owner:
        return OperationKind.SOLVING_WITH_API_MARKET
    return OperationKind.SOLVING_WITH_API
