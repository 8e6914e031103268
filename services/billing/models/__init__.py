"""Billing's tables: the ledger, what funds are reserved for, and the things that movements come from."""

from billing.models.bills import Bill, BillLine, BillPayment, BillRun, BillSeries
from billing.models.consulting import (
    ConsultingFile,
    ConsultingOffer,
    ConsultingRequest,
    ConsultingStep,
    KnownMachine,
)
from billing.models.coupons import Coupon, CouponLot, LotUse
from billing.models.holds import DeclinedWork, Hold, HoldPart, HoldResolution, PriceList, Quote
from billing.models.ledger import Account, Balance, Entry, Journal, JournalSeal, Party, PeriodClose, Posting
from billing.models.operations import Operation, Usage
from billing.models.payments import Payment, Payout, ProviderReport, UnmatchedPayment
from billing.models.seeds import Billing, Credit, CreditIXIOO, Debit, DebitIXIOO
from billing.models.statement import StatementLine, StatementMark, StatementProgress, StatementSum, Turnover
from billing.models.truth import AwaitedUsage, UsageCount, Verification

__all__ = [
    "Account",
    "AwaitedUsage",
    "Balance",
    "Bill",
    "BillLine",
    "BillPayment",
    "BillRun",
    "BillSeries",
    "Billing",
    "ConsultingFile",
    "ConsultingOffer",
    "ConsultingRequest",
    "ConsultingStep",
    "Coupon",
    "CouponLot",
    "Credit",
    "CreditIXIOO",
    "Debit",
    "DebitIXIOO",
    "DeclinedWork",
    "Entry",
    "Hold",
    "HoldPart",
    "HoldResolution",
    "Journal",
    "JournalSeal",
    "KnownMachine",
    "LotUse",
    "Operation",
    "Party",
    "Payment",
    "Payout",
    "PeriodClose",
    "Posting",
    "PriceList",
    "ProviderReport",
    "Quote",
    "StatementLine",
    "StatementMark",
    "StatementProgress",
    "StatementSum",
    "Turnover",
    "UnmatchedPayment",
    "Usage",
    "UsageCount",
    "Verification",
]
