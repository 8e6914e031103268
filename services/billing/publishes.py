"""What billing says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.models import Bill, ConsultingRequest, CouponLot, DeclinedWork, Hold, Journal, Party
from billing.models.rows import JournalRow, OperationRow
from billing.rules.bills import Line
from billing.rules.funding import Part, totals
from billing.rules.pricing import Prices
from event_bus import publishes
from shared_models.clock import in_utc
from shared_models.events import billing
from shared_models.events.contract import Event
from shared_models.money import plain

PUBLISHES = publishes(
    billing.HoldAuthorized,
    billing.HoldDeclined,
    billing.HoldExpired,
    billing.OperationsPosted,
    billing.BalancesChanged,
    billing.CouponActivated,
    billing.BillIssued,
    billing.BillPaid,
    billing.PricesPublished,
    billing.ContractSigned,
    billing.ContractDisputed,
    billing.ContractEnded,
)

Held = tuple[Decimal, Decimal]
Entry = dict[str, Any]
# An entry has a kilobyte at most, and Kafka takes some nine hundred of them in a message.
ENTRIES_A_MESSAGE = 500


def hold_authorized(hold: Hold, parts: Iterable[Part]) -> Event:
    """The work may start."""
    return billing.HoldAuthorized(
        hold_id=hold.pk,
        work_id=hold.work_id,
        payer_id=hold.payer_id,
        quote_id=hold.quote_id,
        price_version=hold.quote.price_list_id,
        parts=_parts(parts),
        expires_at=hold.expires_at,
    )


def hold_declined(declined: DeclinedWork) -> Event:
    """The work must not start."""
    return billing.HoldDeclined(
        work_id=declined.work_id,
        payer_id=declined.payer_id,
        reason=declined.reason,
        missing=declined.missing,
        currency=declined.currency,
    )


def hold_expired(hold: Hold) -> Event:
    """The work must stop."""
    return billing.HoldExpired(hold_id=hold.pk, work_id=hold.work_id, payer_id=hold.payer_id)


def posted(
    operation: OperationRow, journal: JournalRow, parts: Iterable[Part], *, cause: str, payee_id: UUID | None = None
) -> Entry:
    """An operation that reached the ledger, as `operations_posted` takes it."""
    return {
        "operation_id": operation.id,
        "journal_id": journal.id,
        "kind": operation.kind,
        "cause": cause,
        "payer_id": operation.operation_user_id,
        "payee_id": payee_id,
        "machine_id": operation.machine_id,
        "work_id": operation.work_id,
        "count_of_lines": operation.count_of_lines,
        "parts": _parts(parts),
        "posted_at": in_utc(journal.effective_at),
    }


def balance(party: Party, stands: Sequence[Held]) -> Entry:
    """The person's balances as they are now, as `balances_changed` takes them; her locked party row counts them.

    `stands` is (posted, held) of each account that `PersonsAccounts.charged` names.
    """
    of_usd, of_eaml, of_coupon, (owed, _) = stands
    usd, free_usd = _all_and_free(*of_usd)
    eaml, free_eaml = _all_and_free(*of_eaml)
    coupon, free_coupon = _all_and_free(*of_coupon)
    return {
        "owner_id": party.owner_id,
        "version": party.version,
        "user_balance": usd,
        "user_ixioo_balance": eaml,
        "coupon_balance": coupon,
        "usd_available": free_usd,
        "eaml_available": free_eaml,
        "coupon_available": free_coupon,
        "credit_available": plain(party.credit_limit + owed),
        "last_billing_time": party.last_billing_time and in_utc(party.last_billing_time),
    }


def operations_posted(page_id: UUID, entries: Sequence[Entry]) -> list[Event]:
    """What reached the ledger on one page; the entries are checked and written as JSON all at once."""
    return [billing.OperationsPosted(page_id=page_id, operations=some) for some in _in_messages(entries)]


def balances_changed(page_id: UUID, entries: Sequence[Entry]) -> list[Event]:
    """Whose balances one page changed, and to what."""
    return [billing.BalancesChanged(page_id=page_id, balances=some) for some in _in_messages(entries)]


def coupon_activated(lot: CouponLot) -> billing.CouponActivated:
    """A person made credit of a coupon."""
    return billing.CouponActivated(
        owner_id=lot.owner_id,
        code=lot.coupon_id,
        amount=lot.granted,
        activated_at=lot.activated_at,
        expires_at=lot.expires_at,
    )


def bill_issued(bill: Bill, lines: Sequence[Line]) -> Event:
    """A person has a bill."""
    return billing.BillIssued(
        bill_id=bill.pk,
        number=bill.called,
        owner_id=bill.owner_id,
        period_start=bill.period_start,
        period_end=bill.period_end,
        lines=[
            billing.BillLine(
                kind=line.kind,
                count=line.count,
                count_of_lines=line.count_of_lines,
                coupon=line.coupon,
                eaml=line.eaml,
                usd=line.usd,
                owed_usd=line.owed_usd,
                tax_usd=line.tax_usd,
            )
            for line in lines
        ],
        brought_forward_usd=bill.brought_forward_usd,
        paid_usd=bill.paid_usd,
        tax_basis_points=bill.tax_basis_points,
        tax_usd=bill.tax_usd,
        due_usd=bill.due_usd,
        pay_by=bill.pay_by,
        issued_at=bill.issued_at,
    )


def bill_paid(bill: Bill, journal: Journal, amount_usd: Decimal) -> Event:
    """The last of a bill was paid."""
    return billing.BillPaid(
        bill_id=bill.pk,
        number=bill.called,
        owner_id=bill.owner_id,
        journal_id=journal.pk,
        amount_usd=amount_usd,
        paid_at=journal.effective_at,
    )


def prices_published(prices: Prices, effective_at: datetime) -> Event:
    """New quotes use this list from now on."""
    return billing.PricesPublished(
        version=prices.version,
        training_cell_eaml=prices.training_cell_eaml,
        solving_line_eaml=prices.solving_line_eaml,
        level_factors=dict(prices.level_factors),
        usd_per_eaml=prices.usd_per_eaml,
        marketplace_fee_basis_points=prices.marketplace_fee_basis_points,
        effective_at=effective_at,
    )


def contract_signed(request: ConsultingRequest, journal: Journal) -> Event:
    """A consulting contract began."""
    assert request.amount_usd is not None
    assert request.due_at is not None
    assert request.contract_start_date_time is not None
    return billing.ContractSigned(
        contract_id=request.pk,
        journal_id=journal.pk,
        client_id=request.user_id,
        consultant_id=request.consultant_user_id,
        machine_id=request.machine_id,
        category=request.category,
        amount_usd=request.amount_usd,
        fee_basis_points=request.fee_basis_points,
        delay_days=request.delay_days,
        due_at=request.due_at,
        signed_at=request.contract_start_date_time,
    )


def contract_disputed(request: ConsultingRequest) -> Event:
    """A contract waits for an operator."""
    return billing.ContractDisputed(
        contract_id=request.pk,
        client_id=request.user_id,
        consultant_id=request.consultant_user_id,
        disputed_by=request.disputed_by,
        disputed_at=request.disputed_at,
    )


def contract_ended(request: ConsultingRequest, journal: Journal) -> Event:
    """A contract ended, and who got what of it."""
    return billing.ContractEnded(
        contract_id=request.pk,
        journal_id=journal.pk,
        client_id=request.user_id,
        consultant_id=request.consultant_user_id,
        outcome=request.status,
        paid_usd=request.paid_usd,
        fee_usd=request.fee_usd,
        returned_usd=request.returned_usd,
        settled_by_operator=request.settled_by is not None,
        ended_at=request.contract_end_date_time,
    )


def _all_and_free(posted: Decimal, held: Decimal) -> tuple[str, str]:
    said = plain(posted)
    return said, plain(posted - held) if held else said


def _parts(parts: Iterable[Part]) -> list[Any]:
    """The sum in each currency as the event takes it, which makes its own rows of them at a third of the cost."""
    sums = totals(parts).items()
    return [{"currency": str(currency), "amount": plain(amount)} for currency, amount in sums if amount]


def _in_messages(entries: Sequence[Entry]) -> list[Any]:
    return [entries[start : start + ENTRIES_A_MESSAGE] for start in range(0, len(entries), ENTRIES_A_MESSAGE)]
