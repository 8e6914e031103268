"""What a person can spend right now, read under her lock."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import F, Q

from billing.commands.parties import balances_of
from billing.models import Balance, CouponLot, Party
from billing.rules.accounts import AccountName, Move, Purpose, of_platform, receivable, spent_from, wallet
from billing.rules.funding import FreeLot, Funds, Part
from shared_models.money import Currency


def funds_of(owner: UUID, *, at: datetime) -> Funds:
    """Her free money, with the coupon lots that are valid `at` that moment in the order they are spent."""
    balances = balances_of(owner)
    valid = Q(expires_at=None) | Q(expires_at__gt=at)
    lots = CouponLot.objects.filter(valid, owner_id=owner, remaining__gt=F("held"))
    # A lot without an end is spent after those that would lapse.
    ordered = lots.order_by("priority", F("expires_at").asc(nulls_last=True), "id")
    return Funds(
        lots=[FreeLot(lot.pk, lot.remaining - lot.held) for lot in ordered],
        eaml=_free(balances[wallet(owner, Currency.EAML).id]),
        usd=_free(balances[wallet(owner, Currency.USD).id]),
    )


def owed_by(party: Party) -> Decimal:
    """The dollars she owes."""
    return -Balance.objects.get(pk=receivable(party.pk).id).posted


def to_revenue(owner: UUID, parts: list[Part], owed_usd: Decimal) -> list[Move]:
    """The movements by which the parts, and what stays owed, pay the platform."""
    moves = [Move(spent_from(owner, part.currency), _revenue(part.currency), part.amount) for part in parts]
    return [*moves, Move(receivable(owner), _revenue(Currency.USD), owed_usd)]


def _revenue(currency: Currency) -> AccountName:
    return of_platform(Purpose.REVENUE, currency)


def _free(balance: Balance) -> Decimal:
    return balance.posted - balance.held
