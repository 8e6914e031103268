"""Billing's HTTP shapes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from ninja import Field, Schema

from billing.models import CouponLot, Entry, Hold, Journal, Operation, Payment, PriceList, Quote
from billing.queries import Estimate, Story, Wallet, account_of
from shared_models.clock import rfc3339
from shared_models.money import Currency, plain

# Long enough for every amount there is, short enough to be read back in a refusal.
AMOUNT = Field(max_length=60, examples=["12.50"])


class TopUpIn(Schema):
    """A top-up to start."""

    amount_usd: str = AMOUNT


class ExchangeIn(Schema):
    """Dollars to turn into tokens."""

    amount_usd: str = AMOUNT


class PayIn(Schema):
    """How much of what is owed to pay; all of it when left out."""

    amount_usd: str | None = Field(default=None, max_length=60)


class CouponCodeIn(Schema):
    """A coupon to activate."""

    code: str = Field(max_length=100)


class CouponIn(Schema):
    """A coupon to make."""

    code: str = Field(max_length=100)
    amount: str = AMOUNT
    budget: str = AMOUNT
    valid_until: datetime | None = None
    credit_days: int | None = None
    priority: int = Field(default=100, ge=0, le=1000)


class CreditLimitIn(Schema):
    """How much a person may owe."""

    limit_usd: str = AMOUNT


class PricesIn(Schema):
    """The next version of the price list."""

    training_cell_eaml: str = AMOUNT
    solving_line_eaml: str = AMOUNT
    level_factors: dict[str, str]
    usd_per_eaml: str = AMOUNT
    marketplace_fee_basis_points: int


class QuoteIn(Schema):
    """Work to price: for training, learning and evaluation lines together."""

    kind: Literal["training", "solving"]
    lines: int
    columns: int = 0
    level: int = 1


def show_wallet(wallet: Wallet) -> dict[str, Any]:
    """A person's money, under the names identity shows and account by account."""
    return {
        "owner_id": str(wallet.owner),
        "version": wallet.version,
        "user_balance": plain(wallet.of("usd").posted),
        "user_ixioo_balance": plain(wallet.of("eaml").posted),
        "coupon_balance": plain(wallet.of("coupon").posted),
        "owed": plain(wallet.owed),
        "credit_limit": plain(wallet.credit_limit),
        "credit_available": plain(wallet.credit_available),
        "last_billing_time": _time(wallet.last_billing_time),
        "accounts": [
            {
                "account": purse.account,
                "currency": purse.currency,
                "posted": plain(purse.posted),
                "held": plain(purse.held),
                "available": plain(purse.available),
            }
            for purse in wallet.purses
        ],
    }


def show_entry(entry: Entry) -> dict[str, Any]:
    """One entry of a statement."""
    journal, operation = entry.journal, entry.journal.operation
    return {
        "id": str(entry.pk),
        "journal_id": str(journal.pk),
        "account": account_of(entry),
        "currency": entry.currency,
        "amount": plain(entry.amount),
        "balance": _amount(entry.balance),
        "kind": journal.kind,
        "label": entry.label,
        "effective_at": rfc3339(journal.effective_at),
        "recorded_at": rfc3339(journal.recorded_at),
        "operation_id": str(operation.pk) if operation else None,
        "machine_id": _id(operation.machine_id) if operation else None,
        "machine_name": operation.machine_name if operation else None,
    }


def show_operation(operation: Operation) -> dict[str, Any]:
    """An operation, its kind also as the nine booleans."""
    return {
        "id": str(operation.pk),
        "kind": operation.kind,
        "type": operation.get_type,
        "state": operation.state,
        **operation.flags(),
        "machine_id": _id(operation.machine_id),
        "machine_name": operation.machine_name,
        "machine_owner": _id(operation.machine_owner_id),
        "operation_user": str(operation.operation_user_id),
        "work_id": _id(operation.work_id),
        "quote_id": _id(operation.quote_id),
        "journal_id": str(operation.journal.pk),
        "count_of_lines": operation.count_of_lines,
        "count_of_training_epoch": operation.count_of_training_epoch,
        "columns": operation.columns,
        "level": operation.level,
        "date_time": rfc3339(operation.date_time),
    }


def show_story(story: Story) -> dict[str, Any]:
    """A journal with what explains it."""
    journal = story.journal
    postings = [
        {
            "from": posting.debit_account.purpose,
            "to": posting.credit_account.purpose,
            "currency": posting.currency,
            "amount": plain(posting.amount),
        }
        for posting in story.postings
    ]
    return {
        "id": str(journal.pk),
        "kind": journal.kind,
        "label": story.label,
        "sentence": story.sentence,
        "effective_at": rfc3339(journal.effective_at),
        "recorded_at": rfc3339(journal.recorded_at),
        "postings": postings,
        "operation_id": _id(journal.operation_id),
        "quote": show_quote(story.quote) if story.quote else None,
        "hold": show_hold(story.hold) if story.hold else None,
        "events": [{"id": str(usage.pk), "type": usage.type} for usage in story.usages],
    }


def show_quote(quote: Quote) -> dict[str, Any]:
    """What a piece of work was quoted."""
    return {
        "id": str(quote.pk),
        "work_id": str(quote.work_id),
        "kind": quote.kind,
        "machine_id": str(quote.machine_id),
        "machine_name": quote.machine_name,
        "price_version": quote.price_list_id,
        "count_of_lines": quote.count_of_lines,
        "columns": quote.columns,
        "level": quote.level,
        "price_eaml": plain(quote.price_eaml),
        "usd_per_eaml": plain(quote.price_list.usd_per_eaml),
        "given_at": rfc3339(quote.given_at),
    }


def show_estimate(found: Estimate) -> dict[str, Any]:
    """What work would cost now; it reserves nothing and binds nobody."""
    return {
        "price_version": found.price_list.version,
        "price_eaml": plain(found.price_eaml),
        "usd_per_eaml": plain(found.price_list.usd_per_eaml),
        "price_usd": plain(found.price_list.prices.in_usd(found.price_eaml)),
        "parts": [
            {"currency": currency.value, "amount": plain(amount)}
            for currency in (Currency.COUPON, Currency.EAML, Currency.USD)
            if (amount := found.part(currency))
        ],
        "missing_usd": plain(found.funding.missing_usd),
        "binding": False,
    }


def show_hold(hold: Hold) -> dict[str, Any]:
    """Funds reserved for a piece of work, and how that ended."""
    return {
        "id": str(hold.pk),
        "work_id": str(hold.work_id),
        "quote_id": str(hold.quote_id),
        "state": hold.state,
        "parts": [{"currency": part.currency, "amount": plain(part.amount)} for part in hold.parts.all()],
        "created_at": rfc3339(hold.created_at),
        "expires_at": rfc3339(hold.expires_at),
    }


def show_payment(payment: Payment) -> dict[str, Any]:
    """A top-up."""
    return {
        "id": str(payment.pk),
        "provider": payment.provider,
        "test_money": payment.is_test_money,
        "reference": payment.reference,
        "pay_at": payment.pay_at or None,
        "amount_usd": plain(payment.amount),
        "refunded_usd": plain(payment.refunded),
        "status": payment.status,
        "journal_id": _id(payment.journal_id),
        "created_at": rfc3339(payment.created_at),
        "settled_at": _time(payment.settled_at),
    }


def show_lot(lot: CouponLot) -> dict[str, Any]:
    """An activated coupon."""
    return {
        "id": str(lot.pk),
        "code": lot.coupon_id,
        "granted": plain(lot.granted),
        "remaining": plain(lot.remaining),
        "held": plain(lot.held),
        "activated_at": rfc3339(lot.activated_at),
        "expires_at": _time(lot.expires_at),
    }


def show_prices(row: PriceList) -> dict[str, Any]:
    """A version of the price list."""
    return {
        "version": row.version,
        "training_cell_eaml": plain(row.training_cell_eaml),
        "solving_line_eaml": plain(row.solving_line_eaml),
        "level_factors": row.level_factors,
        "usd_per_eaml": plain(row.usd_per_eaml),
        "marketplace_fee_basis_points": row.marketplace_fee_basis_points,
        "effective_at": rfc3339(row.effective_at),
    }


def show_journal_id(journal: Journal) -> dict[str, Any]:
    """The journal that a write made."""
    return {"journal_id": str(journal.pk), "kind": journal.kind, "effective_at": rfc3339(journal.effective_at)}


def _id(value: UUID | None) -> str | None:
    return str(value) if value else None


def _time(value: datetime | None) -> str | None:
    return rfc3339(value) if value else None


def _amount(value: Decimal | None) -> str | None:
    return plain(value) if value is not None else None
