"""Usage that happened becomes a charge: always, once, and from the hold where there is one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import structlog
from django.db import transaction

from billing import publishes
from billing.commands.book import AnyJournal, Book, Cause, same_as
from billing.commands.funds import to_revenue
from billing.commands.works import Works
from billing.models import Hold
from billing.models.rows import JournalRow, OperationRow, UsageRow
from billing.rules.accounts import Move, Purpose, of_platform, receivable, seller_payable, wallet
from billing.rules.errors import KeyConflict
from billing.rules.funding import Capture, Part, after, allocate, capture, cover
from billing.rules.kinds import PURCHASES, SALES
from billing.rules.pricing import Prices, Sale, sale
from billing.rules.usage import Told, Used, price_of
from event_bus.parking import Permanent
from shared_models.ids import dated_id, text_of
from shared_models.money import Currency, plain

SOURCE = "ml"
ZERO = Decimal(0)

log = structlog.get_logger("titan.billing")


class UsageContradicted(KeyConflict, Permanent):
    """A usage was told again with other figures; an operator has to look, since neither can be right by itself."""


class Happened(NamedTuple):
    """A usage, the event that told it, and the cause of its journal."""

    used: Used
    told: Told
    cause: Cause


def happened(used: Used, told: Told) -> Happened:
    """The usage as `charge` takes it; it is hashed here, once."""
    return Happened(used, told, Cause(SOURCE, used.key, used.digest, told.at))


class _Charge(NamedTuple):
    """What a usage costs the payer and where it comes from."""

    parts: list[Part]
    owed_usd: Decimal
    moves: list[Move]
    details: dict[str, Any]


@transaction.atomic
def charge(*usages: Happened) -> None:
    """Charge each usage once: from its hold, then from free funds, and what nothing covers is owed.

    A hold is captured for what was really used and the rest is free again. When it has ended before (expired, released
    by a cancellation that came too late) or never was, the usage is charged all the same: it happened. On the market
    the owner of the machine is paid in full; the debt is the platform's risk. Journals, balances, lots, resolutions and
    events of all of them exist together or not at all; a usage told again leads to the journal that exists.
    Raises UsageContradicted, QuantityUnfit, LevelNotPriced.
    """
    sellers = {one.used.machine_owner_id for one in usages if one.used.kind in SALES}
    book = Book(*(one.used.payer_id for one in usages), payees=sellers)
    works = Works(one.used.work_id for one in usages if one.used.work_id)
    known: dict[str, AnyJournal] = {**book.posted_before(*(one.cause for one in usages))}
    for one in usages:
        _charge_once(book, works, known, one)
    book.close()
    log.info("usage.charged", usages=len(usages), journals=len(known))


def _charge_once(book: Book, works: Works, known: dict[str, AnyJournal], happened: Happened) -> None:
    used, told, cause = happened
    before = known.get(used.key)
    journal = _charge(book, works, happened) if before is None else _must_agree(before, cause)
    known[used.key] = journal
    if used.work_id is not None:
        works.charged(used.work_id)
    book.told(UsageRow(told.event_id, told.type, journal.id, used.work_id, told.at), before=before is not None)


def _must_agree(journal: AnyJournal, cause: Cause) -> AnyJournal:
    try:
        return same_as(journal, cause)
    except KeyConflict as conflict:
        raise UsageContradicted(conflict.detail) from None


def _charge(book: Book, works: Works, happened: Happened) -> JournalRow:
    used, told, cause = happened
    hold = works.hold(used.work_id)
    open_hold = hold if hold is not None and works.is_open(hold) else None
    worked_out = _work_out(book, works, happened, hold, open_hold)
    operation = _operation(happened, hold)
    journal = book.post(
        cause,
        kind=used.kind,
        moves=worked_out.moves,
        lot_parts=worked_out.parts,
        operation=operation,
        details=worked_out.details,
    )
    if open_hold is not None:
        book.end_hold(open_hold, outcome="captured", at=told.at, journal_id=journal.id)
        works.ended(open_hold)
    payee = used.machine_owner_id if used.kind in SALES else None
    paid = worked_out.parts
    if worked_out.owed_usd:
        paid = [*paid, Part(Currency.USD, worked_out.owed_usd)]
    book.tell(publishes.posted(operation, journal, paid, cause=text_of(told.event_id), payee_id=payee))
    return journal


def _work_out(book: Book, works: Works, happened: Happened, hold: Hold | None, open_hold: Hold | None) -> _Charge:
    used, told, _ = happened
    prices = (hold.quote.price_list if hold else book.prices_at(told.at)).prices
    price = price_of(used.kind, prices, columns=used.columns, lines=used.lines, level=used.level)
    captured = _captured(book, works, open_hold, price, prices)
    free = after(book.funds(used.payer_id, at=told.at), captured.parts)
    rest = cover(captured.beyond_eaml, free, prices.in_usd)
    parts, owed = [*captured.parts, *rest.parts], rest.missing_usd
    moves = to_revenue(used.payer_id, parts, owed)
    sold = _sale(used, prices)
    if sold is not None:
        from_wallet = min(sold.gross, max(after(free, rest.parts).usd, ZERO))
        moves += _sale_moves(used, sold, from_wallet)
        parts = [*parts, Part(Currency.USD, from_wallet)]
        owed += sold.gross - from_wallet
    return _Charge(parts, owed, moves, _details(prices, price, owed, sold, used))


def _captured(book: Book, works: Works, hold: Hold | None, price: Decimal, prices: Prices) -> Capture:
    """What of an open hold pays `price`; all of it is free again."""
    if hold is None:
        return Capture([], beyond_eaml=price)
    held = works.parts(hold)
    book.give_back(hold.payer_id, held)
    reserved = [Part(Currency(part.currency), part.amount, part.lot_id) for part in held]
    return capture(reserved, held_eaml=hold.quote.price_eaml, used_eaml=price, in_usd=prices.in_usd)


def _sale(used: Used, prices: Prices) -> Sale | None:
    if used.kind not in SALES:
        return None
    fee = prices.marketplace_fee_basis_points
    count = 1 if used.kind in PURCHASES else used.lines
    return sale(lines=count, price_usd=used.market_price_usd or ZERO, fee_basis_points=fee)


def _sale_moves(used: Used, sold: Sale, from_wallet: Decimal) -> list[Move]:
    buyer = used.payer_id
    sources = [(wallet(buyer, Currency.USD), from_wallet), (receivable(buyer), sold.gross - from_wallet)]
    sinks = [
        (seller_payable(used.machine_owner_id), sold.net),
        (of_platform(Purpose.MARKETPLACE_FEE, Currency.USD), sold.fee),
    ]
    return [Move(source, sink, amount) for source, sink, amount in allocate(sources, sinks)]


def _operation(happened: Happened, hold: Hold | None) -> OperationRow:
    used, told, _ = happened
    return OperationRow(
        id=dated_id(told.at, "operation", SOURCE, used.key),
        kind=str(used.kind),
        machine_id=used.machine_id,
        machine_name=used.machine_name[:500],
        machine_owner_id=used.machine_owner_id,
        operation_user_id=used.payer_id,
        work_id=used.work_id,
        quote_id=hold.quote_id if hold else None,
        count_of_lines=used.lines,
        count_of_training_epoch=used.epochs,
        columns=used.columns,
        level=used.level,
        date_time=told.at,
    )


def _details(prices: Prices, price: Decimal, owed: Decimal, sold: Sale | None, used: Used) -> dict[str, Any]:
    said: dict[str, Any] = {
        "price_version": prices.version,
        "price_eaml": plain(price),
        "usd_per_eaml": plain(prices.usd_per_eaml),
        "owed_usd": plain(owed),
    }
    if sold is not None:
        said |= {
            "market_price_usd": plain(used.market_price_usd or ZERO),
            "market_gross_usd": plain(sold.gross),
            "market_fee_usd": plain(sold.fee),
            "market_net_usd": plain(sold.net),
        }
    return said
