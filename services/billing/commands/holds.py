"""Holds: funds reserved before work starts, given back when it ends without a result or takes too long."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import transaction

from billing import publishes
from billing.commands.book import Book
from billing.commands.works import Works
from billing.models import DeclinedWork, Hold, PriceList, Quote
from billing.rules.errors import LevelNotPriced, QuantityUnfit
from billing.rules.funding import Cover, Funds, Part, after, cover
from billing.rules.kinds import PURCHASES
from billing.rules.usage import WantedWork, price_of
from service_base.errors import BadInput
from shared_models.clock import utc_now
from shared_models.ids import dated_id
from shared_models.money import Currency, plain

# Longer than any training waits and runs; a hold that nobody resolves must not keep a person's money for ever.
HOLD_LIFE = timedelta(hours=24)

log = structlog.get_logger("titan.billing")


class Wish(NamedTuple):
    """Work that asks for funds, by which event and when."""

    work: WantedWork
    cause: UUID
    at: datetime


class Ended(NamedTuple):
    """Work that ended without a result."""

    work_id: UUID
    payer_id: UUID
    at: datetime


@transaction.atomic
def quote_and_hold(*wishes: Wish) -> list[Hold | DeclinedWork]:
    """Quote each work by the prices of its moment and reserve the whole quote, or decline it with what is missing.

    Says HoldAuthorized or HoldDeclined. The same work is answered once: a second request gets the first answer, also a
    refusal, and nothing more is reserved or said. All wishes are answered, each seeing what those before it reserved,
    or none.
    """
    book = Book(*(wish.work.payer_id for wish in wishes))
    works = Works(wish.work.work_id for wish in wishes)
    answers = [_answer(book, works, wish) for wish in wishes]
    book.close()
    return answers


@transaction.atomic
def release_holds(*ended: Ended) -> None:
    """Give back the whole hold of each work; a hold that has ended already stays as it ended.

    Work that has no hold yet is noted as ended, so that a request which arrives late reserves nothing.
    """
    book = Book(*(one.payer_id for one in ended))
    works = Works(one.work_id for one in ended)
    for one in ended:
        hold = works.hold(one.work_id)
        if hold is None:
            _note_ended(book, works, one)
        elif works.is_open(hold):
            _give_back(book, works, hold, "released", at=one.at)
    book.close()


def expire_holds(*, now: datetime | None = None) -> int:
    """End every open hold whose time is up, each in a transaction of its own; how many there were."""
    moment = now or utc_now()
    due = Hold.objects.filter(resolution=None, expires_at__lte=moment).order_by("expires_at")
    return sum(_expire(hold, at=moment) for hold in list(due[:1000]))


def _answer(book: Book, works: Works, wish: Wish) -> Hold | DeclinedWork:
    work = wish.work
    answered = works.answer(work.work_id)
    if answered is not None:
        return answered
    if works.is_charged(work.work_id):
        return _note_ended(book, works, Ended(work.work_id, work.payer_id, wish.at))
    if work.kind in PURCHASES and work.payer_id == work.machine_owner_id:
        return _decline(book, works, wish, "own_machine")
    prices = book.prices_at(wish.at)
    try:
        if work.price_usd < 0:
            raise QuantityUnfit("A price cannot be negative.", field="price_usd")
        price = price_of(work.kind, prices.prices, columns=work.columns, lines=work.lines, level=work.level)
    except BadInput as refusal:
        reason = "level_not_priced" if isinstance(refusal, LevelNotPriced) else "quantity_unfit"
        return _decline(book, works, wish, reason)
    return _hold_or_decline(book, works, wish, prices, price)


def _hold_or_decline(book: Book, works: Works, wish: Wish, prices: PriceList, price: Decimal) -> Hold | DeclinedWork:
    payer = wish.work.payer_id
    unpaid = book.owed(payer) - book.parties[payer].credit_limit
    if unpaid > 0:
        return _decline(book, works, wish, "bill_due", missing=unpaid)
    funding = _cover(wish.work, price, book.funds(payer, at=wish.at), prices)
    if funding.missing_usd > 0:
        return _decline(book, works, wish, "funds_short", missing=funding.missing_usd)
    hold = _hold(wish, _quote(wish, prices, price))
    works.held(hold, book.hold(hold, funding.parts))
    book.say(publishes.hold_authorized(hold, funding.parts), hold.pk)
    log.info("hold.authorized", work=str(hold.work_id), price_eaml=plain(price))
    return hold


def _cover(work: WantedWork, price: Decimal, funds: Funds, prices: PriceList) -> Cover:
    """The platform's price out of everything, and a seller's out of the dollars that are left."""
    platform = cover(price, funds, prices.prices.in_usd)
    left = max(after(funds, platform.parts).usd, Decimal(0))
    missing = platform.missing_usd + max(work.price_usd - left, Decimal(0))
    seller = [Part(Currency.USD, work.price_usd)] if work.price_usd else []
    return Cover([*platform.parts, *seller], missing)


def _quote(wish: Wish, prices: PriceList, price: Decimal) -> Quote:
    work = wish.work
    return Quote(
        id=dated_id(wish.at, "quote", work.work_id),
        payer_id=work.payer_id,
        work_id=work.work_id,
        kind=work.kind,
        machine_id=work.machine_id,
        machine_name=work.machine_name[:500],
        machine_owner_id=work.machine_owner_id,
        price_list=prices,
        count_of_lines=work.lines,
        columns=work.columns,
        level=work.level,
        price_eaml=price,
        price_usd=work.price_usd,
        given_at=wish.at,
    )


def _hold(wish: Wish, quote: Quote) -> Hold:
    return Hold(
        id=dated_id(wish.at, "hold", wish.work.work_id),
        work_id=wish.work.work_id,
        payer_id=wish.work.payer_id,
        quote=quote,
        cause=wish.cause,
        created_at=wish.at,
        expires_at=wish.at + HOLD_LIFE,
    )


def _decline(book: Book, works: Works, wish: Wish, reason: str, *, missing: Decimal = Decimal(0)) -> DeclinedWork:
    declined = DeclinedWork(
        work_id=wish.work.work_id,
        payer_id=wish.work.payer_id,
        reason=reason,
        missing=missing,
        machine_name=wish.work.machine_name[:500],
        declined_at=wish.at,
    )
    book.decline(declined)
    works.declined(declined)
    book.say(publishes.hold_declined(declined), declined.pk)
    log.info("hold.declined", work=str(declined.pk), reason=reason, missing=plain(missing))
    return declined


def _note_ended(book: Book, works: Works, ended: Ended) -> DeclinedWork:
    known = works.answer(ended.work_id)
    if isinstance(known, DeclinedWork):
        return known
    noted = DeclinedWork(work_id=ended.work_id, payer_id=ended.payer_id, reason="already_ended", declined_at=ended.at)
    book.decline(noted)
    works.declined(noted)
    return noted


@transaction.atomic
def _expire(hold: Hold, *, at: datetime) -> bool:
    book = Book(hold.payer_id)
    works = Works([hold.work_id])
    if not works.is_open(hold):
        return False  # it was captured or released between our look and our lock
    _give_back(book, works, hold, "expired", at=at)
    book.say(publishes.hold_expired(hold), hold.pk)
    book.close()
    return True


def _give_back(book: Book, works: Works, hold: Hold, outcome: str, *, at: datetime) -> None:
    book.give_back(hold.payer_id, works.parts(hold))
    book.end_hold(hold, outcome=outcome, at=at)
    works.ended(hold)
    log.info("hold.ended", work=str(hold.work_id), outcome=outcome)
