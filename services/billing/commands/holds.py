"""Holds: funds reserved before work starts, given back when it ends without a result or takes too long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from billing import publishes
from billing.commands.funds import owed_by
from billing.commands.ledger import reserve, set_free
from billing.commands.parties import lock_parties, say_balances
from billing.commands.prices import prices_at
from billing.models import DeclinedWork, Hold, HoldPart, HoldResolution, Party, PriceList, Quote, Usage
from billing.models.funds import funds_of
from billing.rules.accounts import spent_from
from billing.rules.errors import LevelNotPriced
from billing.rules.funding import Part, cover
from billing.rules.usage import WantedWork, price_of
from service_base.errors import BadInput
from shared_models.clock import utc_now
from shared_models.money import Currency, plain

# Longer than any training waits and runs; a hold that nobody resolves must not keep a person's money for ever.
HOLD_LIFE = timedelta(hours=24)

log = structlog.get_logger("titan.billing")


@transaction.atomic
def quote_and_hold(*, wanted: WantedWork, cause: UUID, at: datetime) -> Hold | DeclinedWork:
    """Quote the work by the prices of its moment and reserve the whole quote, or decline it with what is missing.

    Says HoldAuthorized or HoldDeclined. The same work is answered once: a second request gets the first answer, also a
    refusal, and nothing more is reserved or said.
    """
    party = lock_parties(wanted.payer_id)[wanted.payer_id]
    answered = _answered(wanted.work_id)
    if answered is not None:
        return answered
    if Usage.objects.filter(work_id=wanted.work_id).exists():
        return _note_ended(wanted.work_id, wanted.payer_id, at=at)
    price_list = prices_at(at)
    try:
        price = price_of(wanted.kind, price_list.prices, columns=wanted.columns, lines=wanted.lines, level=wanted.level)
    except BadInput as refusal:
        reason = "level_not_priced" if isinstance(refusal, LevelNotPriced) else "quantity_unfit"
        return _decline(wanted, reason, at=at)
    return _hold_or_decline(party, wanted, price_list, price, cause=cause, at=at)


@transaction.atomic
def release_hold(*, work_id: UUID, payer_id: UUID, at: datetime) -> Hold | None:
    """Give the whole hold of `work_id` back; a hold that has ended already stays as it ended.

    Work that has no hold yet is noted as ended, so that a request which arrives late reserves nothing.
    """
    party = lock_parties(payer_id)[payer_id]
    hold = Hold.objects.filter(work_id=work_id).first()
    if hold is None:
        _note_ended(work_id, payer_id, at=at)
    elif is_open(hold):
        _give_back(hold, "released", at=at)
        say_balances(party)
    return hold


def expire_holds(*, now: datetime | None = None) -> int:
    """End every open hold whose time is up, each in a transaction of its own; how many there were."""
    moment = now or utc_now()
    due = Hold.objects.filter(resolution=None, expires_at__lte=moment).order_by("expires_at")
    return sum(_expire(hold, at=moment) for hold in list(due[:1000]))


def is_open(hold: Hold) -> bool:
    """Whether the hold still reserves funds; ask under the payer's lock."""
    return not HoldResolution.objects.filter(pk=hold.pk).exists()


def _answered(work_id: UUID) -> Hold | DeclinedWork | None:
    hold = Hold.objects.filter(work_id=work_id).select_related("quote").first()
    return hold or DeclinedWork.objects.filter(pk=work_id).first()


def _hold_or_decline(
    party: Party, wanted: WantedWork, price_list: PriceList, price: Decimal, *, cause: UUID, at: datetime
) -> Hold | DeclinedWork:
    unpaid = owed_by(party) - party.credit_limit
    if unpaid > 0:
        return _decline(wanted, "bill_due", missing=unpaid, at=at)
    funding = cover(price, funds_of(party.pk, at=at), price_list.prices.in_usd)
    if funding.missing_usd > 0:
        return _decline(wanted, "funds_short", missing=funding.missing_usd, at=at)
    hold = _hold(wanted, _quote(wanted, price_list, price, at=at), funding.parts, cause=cause, at=at)
    publishes.hold_authorized(hold, funding.parts)
    log.info("hold.authorized", work=str(hold.work_id), price_eaml=plain(price))
    if funding.parts:
        say_balances(party)
    return hold


def _quote(wanted: WantedWork, price_list: PriceList, price: Decimal, *, at: datetime) -> Quote:
    return Quote.objects.create(
        payer_id=wanted.payer_id,
        work_id=wanted.work_id,
        kind=wanted.kind,
        machine_id=wanted.machine_id,
        machine_name=wanted.machine_name[:500],
        machine_owner_id=wanted.machine_owner_id,
        price_list=price_list,
        count_of_lines=wanted.lines,
        columns=wanted.columns,
        level=wanted.level,
        price_eaml=price,
        given_at=at,
    )


def _hold(wanted: WantedWork, quote: Quote, parts: Sequence[Part], *, cause: UUID, at: datetime) -> Hold:
    hold = Hold.objects.create(
        work_id=wanted.work_id,
        payer_id=wanted.payer_id,
        quote=quote,
        cause=cause,
        created_at=at,
        expires_at=at + HOLD_LIFE,
    )
    rows = [
        HoldPart(
            hold=hold,
            account_id=spent_from(wanted.payer_id, Currency(part.currency)).id,
            lot_id=part.lot,
            currency=part.currency,
            amount=part.amount,
        )
        for part in parts
    ]
    reserve(HoldPart.objects.bulk_create(rows))
    return hold


def _decline(wanted: WantedWork, reason: str, *, at: datetime, missing: Decimal = Decimal(0)) -> DeclinedWork:
    declined = DeclinedWork.objects.create(
        work_id=wanted.work_id,
        payer_id=wanted.payer_id,
        reason=reason,
        missing=missing,
        machine_name=wanted.machine_name[:500],
        declined_at=at,
    )
    publishes.hold_declined(declined)
    log.info("hold.declined", work=str(wanted.work_id), reason=reason, missing=plain(missing))
    return declined


def _note_ended(work_id: UUID, payer_id: UUID, *, at: datetime) -> DeclinedWork:
    noted, _ = DeclinedWork.objects.get_or_create(
        work_id=work_id, defaults={"payer_id": payer_id, "reason": "already_ended", "declined_at": at}
    )
    return noted


@transaction.atomic
def _expire(hold: Hold, *, at: datetime) -> bool:
    party = lock_parties(hold.payer_id)[hold.payer_id]
    if not is_open(hold):
        return False  # it was captured or released between our look and our lock
    _give_back(hold, "expired", at=at)
    publishes.hold_expired(hold)
    say_balances(party)
    return True


def _give_back(hold: Hold, outcome: str, *, at: datetime) -> None:
    set_free(hold.parts.all())
    HoldResolution.objects.create(hold=hold, outcome=outcome, resolved_at=at)
    log.info("hold.ended", work=str(hold.work_id), outcome=outcome)
