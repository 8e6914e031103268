"""Writing the ledger: the only code that makes journals and postings and moves balances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F

from billing.models import Balance, CouponLot, HoldPart, Journal, LotUse, Operation, Posting
from billing.rules.accounts import Move
from billing.rules.errors import KeyConflict
from billing.rules.funding import Part
from shared_models.clock import utc_now


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a journal exists. Source and key are unique for ever; `digest` is what was said under them."""

    source: str
    key: str
    digest: str
    at: datetime


def posted_before(cause: Cause) -> Journal | None:
    """The journal of this cause, if there is one. Raises KeyConflict when it was made of other content."""
    journal = Journal.objects.filter(source=cause.source, idempotency_key=cause.key).first()
    if journal is not None and journal.request_hash != cause.digest:
        raise KeyConflict(f"{cause.source} {cause.key} was posted with other content; nothing was posted for this one.")
    return journal


def post(
    *,
    cause: Cause,
    kind: str,
    moves: Iterable[Move],
    operation: Operation | None = None,
    details: dict[str, Any] | None = None,
) -> Journal:
    """Write one journal with its postings and move the balances, inside the caller's transaction.

    The parties of all people involved are locked by the caller. The database refuses what breaks a rule of the ledger.
    """
    journal = Journal.objects.create(
        source=cause.source,
        idempotency_key=cause.key,
        request_hash=cause.digest,
        kind=kind,
        effective_at=cause.at,
        recorded_at=utc_now(),
        operation=operation,
        details=details or {},
    )
    real = [move for move in moves if move.amount > 0]
    balances = _lock_balances(real)
    Posting.objects.bulk_create(_postings(journal, real, balances))
    for balance in balances.values():
        balance.save(update_fields=["posted"])
    return journal


def use_lots(journal: Journal, parts: Iterable[Part]) -> None:
    """Take the coupon parts out of their lots."""
    for part in parts:
        if part.lot is not None:
            CouponLot.objects.filter(pk=part.lot).update(remaining=F("remaining") - part.amount)
            LotUse.objects.create(lot_id=part.lot, journal=journal, amount=part.amount)


def reserve(parts: Iterable[HoldPart]) -> None:
    """Set the parts of a hold aside: they are still the person's, but no longer free."""
    _change_held(parts, sign=1)


def set_free(parts: Iterable[HoldPart]) -> None:
    """Give the parts of a hold back."""
    _change_held(parts, sign=-1)


def _change_held(parts: Iterable[HoldPart], *, sign: int) -> None:
    for part in parts:
        Balance.objects.filter(pk=part.account_id).update(held=F("held") + sign * part.amount)
        if part.lot_id is not None:
            CouponLot.objects.filter(pk=part.lot_id).update(held=F("held") + sign * part.amount)


def _lock_balances(moves: Sequence[Move]) -> dict[Any, Balance]:
    accounts = {account.id for move in moves for account in (move.debit, move.credit)}
    # ORDER BY: see lock_parties. The platform's accounts have no balance row, so nobody waits for them.
    rows = Balance.objects.select_for_update().filter(pk__in=accounts).order_by("pk")
    return {row.pk: row for row in rows}


def _postings(journal: Journal, moves: Sequence[Move], balances: dict[Any, Balance]) -> list[Posting]:
    return [
        Posting(
            journal=journal,
            seq=seq,
            debit_account_id=move.debit.id,
            credit_account_id=move.credit.id,
            currency=move.debit.currency,
            amount=move.amount,
            debit_after=_moved(balances.get(move.debit.id), -move.amount),
            credit_after=_moved(balances.get(move.credit.id), move.amount),
        )
        for seq, move in enumerate(moves, start=1)
    ]


def _moved(balance: Balance | None, amount: Decimal) -> Decimal | None:
    if balance is None:
        return None
    after: Decimal = balance.posted + amount
    balance.posted = after
    return after
