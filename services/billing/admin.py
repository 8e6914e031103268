"""Admin pages of billing: everything can be read, nothing can be written."""

from __future__ import annotations

from django.contrib import admin

from billing import models
from service_base.admin import ReadOnlyAdmin


@admin.register(models.Party)
class PartyAdmin(ReadOnlyAdmin):
    """People with accounts."""

    list_display = ("owner_id", "credit_limit", "last_billing_time", "version")
    search_fields = ("owner_id",)


@admin.register(models.Account)
class AccountAdmin(ReadOnlyAdmin):
    """The chart of accounts."""

    list_display = ("owner_id", "purpose", "currency", "floor")
    list_filter = ("purpose", "currency")


@admin.register(models.Balance)
class BalanceAdmin(ReadOnlyAdmin):
    """What people's accounts hold."""

    list_display = ("account", "posted", "held", "floor")


@admin.register(models.Journal)
class JournalAdmin(ReadOnlyAdmin):
    """Movements."""

    list_display = ("id", "kind", "source", "idempotency_key", "effective_at", "recorded_at")
    list_filter = ("kind",)
    search_fields = ("id", "idempotency_key")


@admin.register(models.Posting)
class PostingAdmin(ReadOnlyAdmin):
    """Amounts between accounts."""

    list_display = ("id", "journal", "debit_account", "credit_account", "amount", "currency")


@admin.register(models.Operation)
class OperationAdmin(ReadOnlyAdmin):
    """What money moved for."""

    list_display = ("id", "kind", "operation_user_id", "machine_name", "count_of_lines", "date_time")
    list_filter = ("kind",)


@admin.register(models.Hold)
class HoldAdmin(ReadOnlyAdmin):
    """Reserved funds."""

    list_display = ("work_id", "payer_id", "state", "created_at", "expires_at")


@admin.register(models.DeclinedWork)
class DeclinedWorkAdmin(ReadOnlyAdmin):
    """Work that got no funds."""

    list_display = ("work_id", "payer_id", "reason", "missing", "declined_at")


@admin.register(models.Quote, models.PriceList, models.HoldPart, models.HoldResolution)
class PricingAdmin(ReadOnlyAdmin):
    """Quotes and prices."""


@admin.register(models.Coupon, models.CouponLot, models.LotUse, models.Usage)
class OriginAdmin(ReadOnlyAdmin):
    """Coupons, payments and usage events."""


@admin.register(models.Payment, models.Payout, models.UnmatchedPayment, models.ProviderReport)
class ProviderAdmin(ReadOnlyAdmin):
    """What goes through the payment provider."""


@admin.register(models.ConsultingRequest)
class ConsultingRequestAdmin(ReadOnlyAdmin):
    """Requests for help and the contracts they became."""

    list_display = ("id", "category", "status", "user_id", "consultant_user_id", "amount_usd", "disputed_at")
    list_filter = ("status", "category")


@admin.register(models.ConsultingOffer, models.ConsultingStep, models.ConsultingFile, models.KnownMachine)
class ConsultingAdmin(ReadOnlyAdmin):
    """Offers, timelines and files of consulting, and ml's machines by name."""


@admin.register(models.PeriodClose, models.JournalSeal)
class PastAdmin(ReadOnlyAdmin):
    """Closed periods, and the chain of seals over what was posted."""


@admin.register(models.Entry)
class EntryAdmin(ReadOnlyAdmin):
    """One side of a posting each."""

    ordering = ("-posting_id",)
    list_display = ("id", "account_id", "amount", "currency", "balance", "journal_id")


@admin.register(models.Credit, models.Debit, models.CreditIXIOO, models.DebitIXIOO)
class LegAdmin(ReadOnlyAdmin):
    """What came into wallets and went out of them, under the first design's names."""

    list_display = ("entry_id", "user_id", "amount", "date_time", "journal_id", "operation_id")


@admin.register(models.Billing)
class BillingAdmin(ReadOnlyAdmin):
    """The flat rows of the first design."""

    list_display = ("operation_id", "user_id", "machine_id", "date_time", "operation_cost")


@admin.register(models.StatementMark, models.StatementProgress, models.StatementLine, models.StatementSum)
class StatementAdmin(ReadOnlyAdmin):
    """What statements of long accounts are read from."""


@admin.register(models.Bill)
class BillAdmin(ReadOnlyAdmin):
    """Bills as they were issued."""

    list_display = ("called", "billed_to", "period_end", "due_usd", "issued_at")
    list_filter = ("year",)
    search_fields = ("owner_id", "billed_to")


@admin.register(models.BillLine, models.BillPayment, models.BillRun, models.BillSeries)
class BillPartAdmin(ReadOnlyAdmin):
    """Lines, payments, runs and the last numbers."""


@admin.register(models.UsageCount)
class UsageCountAdmin(ReadOnlyAdmin):
    """How much usage ml said in each hour."""

    list_display = ("hour", "version", "events", "lines", "digest", "received_at")


@admin.register(models.AwaitedUsage)
class AwaitedUsageAdmin(ReadOnlyAdmin):
    """Usage that ml counted and that has not been charged yet."""

    list_display = ("event_id", "hour", "since")


@admin.register(models.Verification)
class VerificationAdmin(ReadOnlyAdmin):
    """What was found each time the ledger was verified."""

    list_display = ("started_at", "is_ok", "asked_by", "by_id", "milliseconds")
