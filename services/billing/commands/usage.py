"""Usage that happened becomes a charge: always, once, and from the hold where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from django.db import transaction

from billing import publishes
from billing.commands.funds import to_revenue
from billing.commands.holds import is_open
from billing.commands.ledger import Cause, post, posted_before, set_free, use_lots
from billing.commands.parties import lock_parties, say_balances
from billing.commands.prices import prices_at
from billing.models import Hold, HoldResolution, Journal, Operation, Party, PriceList, Usage
from billing.models.funds import funds_of
from billing.rules.accounts import Move, Purpose, of_platform, receivable, wallet
from billing.rules.errors import KeyConflict
from billing.rules.funding import Funds, Part, after, allocate, capture, cover
from billing.rules.kinds import OperationKind
from billing.rules.pricing import Prices, Sale, sale
from billing.rules.usage import Told, Used, price_of
from event_bus.parking import Permanent
from shared_models.money import Currency, plain

SOURCE = "ml"

log = structlog.get_logger("titan.billing")


class UsageContradicted(KeyConflict, Permanent):
    """A usage was told again with other figures; an operator has to look, since neither can be right by itself."""


@dataclass(frozen=True, slots=True)
class _Charge:
    """What a usage costs the payer and where it comes from."""

    parts: list[Part]
    owed_usd: Decimal
    moves: list[Move]
    details: dict[str, Any]


@transaction.atomic
def capture_hold(*, used: Used, told: Told) -> Journal:
    """Turn the hold of `used.work_id` into a charge of what was really used and give the rest back.

    What the hold does not reach is paid from free funds, then owed. When the hold has ended before (expired, released
    by a cancellation that came too late) or never was, the usage is charged all the same: it happened. Journal,
    balances, lots, the hold's resolution and the events exist together or not at all; the same usage told again
    returns the journal that exists. Raises UsageContradicted, QuantityUnfit, LevelNotPriced.
    """
    holds = Hold.objects.select_related("quote__price_list")
    return _charge_once(used, told, holds.filter(work_id=used.work_id).first() if used.work_id else None)


@transaction.atomic
def charge_solving(*, used: Used, told: Told) -> Journal:
    """Charge a solving that had no hold: the platform's price, and on the market also the owner's.

    Never refused, since it happened: what free funds do not cover is owed. The owner of a machine on the market is
    paid in full; the debt is the platform's risk. Promises as capture_hold.
    """
    return _charge_once(used, told, None)


def _charge_once(used: Used, told: Told, hold: Hold | None) -> Journal:
    seller = {used.machine_owner_id} if used.kind == OperationKind.SOLVING_WITH_API_MARKET else set()
    parties = lock_parties(used.payer_id, *seller)
    cause = Cause(source=SOURCE, key=used.key, digest=used.digest, at=told.at)
    try:
        journal = posted_before(cause)
    except KeyConflict as conflict:
        raise UsageContradicted(conflict.detail) from None
    if journal is None:
        journal = _charge(used, cause, parties[used.payer_id], hold, event_id=str(told.event_id))
        say_balances(*parties.values())
    Usage.objects.get_or_create(
        event_id=told.event_id,
        defaults={"type": told.type, "journal": journal, "work_id": used.work_id, "occurred_at": told.at},
    )
    return journal


def _charge(used: Used, cause: Cause, party: Party, hold: Hold | None, *, event_id: str) -> Journal:
    open_hold = hold if hold is not None and is_open(hold) else None
    price_list = hold.quote.price_list if hold else prices_at(cause.at)
    charge = _work_out(used, party, open_hold, price_list, at=cause.at)
    operation = _operation(used, hold, at=cause.at)
    journal = post(cause=cause, kind=used.kind, moves=charge.moves, operation=operation, details=charge.details)
    use_lots(journal, charge.parts)
    if open_hold is not None:
        HoldResolution.objects.create(hold=open_hold, outcome="captured", journal=journal, resolved_at=cause.at)
    payee = used.machine_owner_id if used.kind == OperationKind.SOLVING_WITH_API_MARKET else None
    owed = [Part(Currency.USD, charge.owed_usd)]
    publishes.operation_posted(operation, journal, [*charge.parts, *owed], cause=event_id, payee_id=payee)
    log.info("usage.charged", kind=used.kind, lines=used.lines, owed_usd=plain(charge.owed_usd), cause=event_id)
    return journal


def _work_out(used: Used, party: Party, hold: Hold | None, price_list: PriceList, *, at: datetime) -> _Charge:
    prices = price_list.prices
    price = price_of(used.kind, prices, columns=used.columns, lines=used.lines, level=used.level)
    parts, owed, funds = _fund(party, hold, price, prices, at=at)
    moves = to_revenue(party.pk, parts, owed)
    sold = _sale(used, prices)
    if sold is not None:
        from_wallet = min(sold.gross, max(funds.usd, Decimal(0)))
        moves += _sale_moves(used, sold, from_wallet)
        parts = [*parts, Part(Currency.USD, from_wallet)]
        owed += sold.gross - from_wallet
    return _Charge(parts, owed, moves, _details(prices, price, owed, sold, used))


def _fund(
    party: Party, hold: Hold | None, price: Decimal, prices: Prices, *, at: datetime
) -> tuple[list[Part], Decimal, Funds]:
    """The parts that pay `price`, the dollars that stay owed, and what is free afterwards."""
    taken: list[Part] = []
    if hold is not None:
        held = list(hold.parts.all())
        set_free(held)
        reserved = [Part(Currency(part.currency), part.amount, part.lot_id) for part in held]
        captured = capture(reserved, held_eaml=hold.quote.price_eaml, used_eaml=price, in_usd=prices.in_usd)
        taken, price = list(captured.parts), captured.beyond_eaml
    free = after(funds_of(party.pk, at=at), taken)
    rest = cover(price, free, prices.in_usd)
    return [*taken, *rest.parts], rest.missing_usd, after(free, rest.parts)


def _sale(used: Used, prices: Prices) -> Sale | None:
    if used.kind != OperationKind.SOLVING_WITH_API_MARKET:
        return None
    fee = prices.marketplace_fee_basis_points
    return sale(lines=used.lines, price_usd=used.market_price_usd or Decimal(0), fee_basis_points=fee)


def _sale_moves(used: Used, sold: Sale, from_wallet: Decimal) -> list[Move]:
    buyer = used.payer_id
    sources = [(wallet(buyer, Currency.USD), from_wallet), (receivable(buyer), sold.gross - from_wallet)]
    sinks = [
        (wallet(used.machine_owner_id, Currency.USD), sold.net),
        (of_platform(Purpose.MARKETPLACE_FEE, Currency.USD), sold.fee),
    ]
    return [Move(source, sink, amount) for source, sink, amount in allocate(sources, sinks)]


def _operation(used: Used, hold: Hold | None, *, at: datetime) -> Operation:
    return Operation.objects.create(
        kind=used.kind,
        machine_id=used.machine_id,
        machine_name=used.machine_name[:500],
        machine_owner_id=used.machine_owner_id,
        operation_user_id=used.payer_id,
        work_id=used.work_id,
        quote=hold.quote if hold else None,
        count_of_lines=used.lines,
        count_of_training_epoch=used.epochs,
        columns=used.columns,
        level=used.level,
        date_time=at,
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
            "market_price_usd": plain(used.market_price_usd or Decimal(0)),
            "market_gross_usd": plain(sold.gross),
            "market_fee_usd": plain(sold.fee),
            "market_net_usd": plain(sold.net),
        }
    return said
